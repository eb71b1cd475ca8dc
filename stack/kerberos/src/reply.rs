//! The answers of a KDC, read (RFC 4120 §5.4 and §5.9).

use crate::account::Account;
use crate::request::{ENCTYPES, Granted};
use crate::time::KerberosTime;
use kerbcore::client::{PA_ENC_TIMESTAMP, PA_ETYPE_INFO2, parse_etype_info2};
use kerbcore::der::{Der, DerError, TAG_SEQUENCE, application_tag, context_tag, one_or, read_u32};
use kerbcore::messages::{KdcRep, KrbError};
use kerbcore::types::{self, EncryptionKey, PaData, PrincipalName, decode_realm};
use kerbcore::{Enctype, KerberosKey};
use zeroize::Zeroizing;

/// An answer of a KDC.
pub(crate) enum Answer {
    Ticket(Box<KdcRep>),
    Error(Box<KrbError>),
}

impl Answer {
    /// Reads an answer; the error names what it is instead.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let read = match bytes.first() {
            None => return Err("nothing"),
            Some(0x6b | 0x6d) => KdcRep::decode(bytes).map(Box::new).map(Self::Ticket),
            Some(0x7e) => KrbError::decode(bytes).map(Box::new).map(Self::Error),
            Some(b'H') if bytes.starts_with(b"HTTP/") => return Err("HTTP"),
            Some(_) => return Err("unknown bytes"),
        };
        read.map_err(|_| "a broken message")
    }
}

/// The way from a password to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRecipe {
    pub(crate) enctype: Enctype,
    /// `None` for the default one of the account.
    pub(crate) salt: Option<String>,
    pub(crate) iterations: u32,
}

impl KeyRecipe {
    /// Finds the recipe in the hints of a KDC: the first one whose encryption is spoken here.
    pub(crate) fn find(hints: &[PaData], wanted: Option<Enctype>) -> Option<Self> {
        let info = find(hints, PA_ETYPE_INFO2)?;
        let entries = parse_etype_info2(&info.padata_value).ok()?;
        entries.into_iter().find_map(|entry| {
            let enctype =
                spoken(entry.etype).filter(|found| wanted.is_none_or(|it| it == *found))?;
            let iterations = entry.s2k_iterations();
            Some(Self {
                enctype,
                iterations: iterations.unwrap_or(default_iterations(enctype)),
                salt: entry.salt,
            })
        })
    }

    /// Returns the recipe of an account whose KDC gives no hint.
    pub(crate) fn usual(enctype: Enctype) -> Self {
        Self {
            enctype,
            salt: None,
            iterations: default_iterations(enctype),
        }
    }
}

/// Reads the hints of an error that wants a pre-authentication: METHOD-DATA (RFC 4120 §5.9.1).
pub(crate) fn read_hints(error: &KrbError) -> Option<Vec<PaData>> {
    let data = one_or(error.e_data.as_deref()?, TAG_SEQUENCE).ok()?;
    let mut rest = Der::new(data);
    let mut hints = Vec::new();
    while !rest.is_empty() {
        let fields = rest.expect(TAG_SEQUENCE).ok()?;
        let hint = kerbcore::der::encode_sequence(fields);
        hints.push(PaData::decode(&hint).ok()?);
    }
    Some(hints)
}

/// Returns `true` if the KDC takes an encrypted time as the proof of a password.
pub(crate) fn takes_timestamp(hints: &[PaData]) -> bool {
    find(hints, PA_ENC_TIMESTAMP).is_some()
}

/// Returns what the KDC wants to have back (RFC 6113 §5.2).
pub(crate) fn cookie(hints: &[PaData]) -> Option<PaData> {
    find(hints, PA_FX_COOKIE).cloned()
}

/// Returns the type of encryption, if it is spoken here.
pub(crate) fn spoken(etype: i32) -> Option<Enctype> {
    Enctype::from_i32(etype).filter(|enctype| ENCTYPES.contains(enctype))
}

/// Opens the encrypted part of an answer, and checks that it is the one to this request.
///
/// `None`: it cannot be decrypted, or is another one.
pub(crate) fn open(reply: KdcRep, key: &KerberosKey, usage: u32, nonce: u32) -> Option<Granted> {
    if reply.enc_part.etype != key.enctype().to_i32() {
        return None;
    }
    let plaintext = Zeroizing::new(key.decrypt(usage, &reply.enc_part.cipher).ok()?);
    let part = EncryptedPart::decode(&plaintext).ok()?;
    if part.nonce != nonce || reply.ticket.realm != part.realm {
        return None;
    }
    let key = KerberosKey::new(spoken(part.key.keytype)?, part.key.keyvalue).ok()?;
    Some(Granted {
        ticket: reply.ticket,
        key,
        owner: Account {
            name: reply.cname,
            realm: reply.crealm,
        },
        service: part.service,
        time: part.time,
    })
}

/// The part of an answer that only the owner of the key can read (EncKDCRepPart).
struct EncryptedPart {
    key: EncryptionKey,
    nonce: u32,
    /// The time from which the ticket is good, which is that of the answer.
    time: KerberosTime,
    realm: String,
    service: PrincipalName,
}

impl EncryptedPart {
    fn decode(plaintext: &[u8]) -> Result<Self, DerError> {
        let (tag, inner) = Der::new(plaintext).read_tlv()?;
        // Some KDCs mark both kinds with 26 (RFC 4120 §5.4.2).
        if tag != application_tag(25) && tag != application_tag(26) {
            return Err(DerError::MsgTypeMismatch);
        }
        let mut fields = Der::new(one_or(inner, TAG_SEQUENCE)?);
        let mut field = |number| {
            let is_there = fields.peek_tag() == Some(context_tag(number));
            is_there
                .then(|| fields.expect(context_tag(number)))
                .transpose()
        };
        let missing = || DerError::Truncated;
        let key = EncryptionKey::decode(field(0)?.ok_or_else(missing)?)?;
        field(1)?; // the last logins
        let nonce = read_u32(field(2)?.ok_or_else(missing)?)?;
        field(3)?; // the end of the password
        field(4)?; // flags
        let login = field(5)?.ok_or_else(missing)?;
        let start = field(6)?.unwrap_or(login);
        field(7)?; // the end of the ticket
        field(8)?; // the end of its renewals
        Ok(Self {
            key,
            nonce,
            time: KerberosTime(types::KerberosTime::decode(start)?.0),
            realm: decode_realm(field(9)?.ok_or_else(missing)?)?,
            service: PrincipalName::decode(field(10)?.ok_or_else(missing)?)?,
        })
    }
}

fn find(hints: &[PaData], kind: i32) -> Option<&PaData> {
    hints.iter().find(|hint| hint.padata_type == kind)
}

/// The rounds of a password's key (RFC 3962 §4, RFC 8009 §4).
fn default_iterations(enctype: Enctype) -> u32 {
    match enctype {
        Enctype::Aes128CtsHmacSha256_128 | Enctype::Aes256CtsHmacSha384_192 => 32_768,
        _ => 4096,
    }
}

const PA_FX_COOKIE: i32 = 133;
