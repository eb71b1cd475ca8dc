//! The messages that a client sends: to a KDC, and to a service (RFC 4120 §5).

use crate::account::Account;
use crate::random::Random;
use crate::time::KerberosTime;
use kerbcore::client::{
    AP_OPTS_MUTUAL_REQUIRED, KDC_OPT_CANONICALIZE, KU_AP_REQ_AUTH, KU_AS_REQ_PA_ENC_TS,
    KU_TGS_REQ_AUTH, KU_TGS_REQ_AUTH_CKSUM, PA_ENC_TIMESTAMP, PA_TGS_REQ, encode_pa_enc_ts_enc,
    krbtgt_sname,
};
use kerbcore::der::{
    TAG_BIT_STRING, application, encode_generalized_time, encode_integer, encode_sequence,
    explicit, tlv,
};
use kerbcore::messages::{KdcReq, KdcReqBody, Ticket};
use kerbcore::types::{Checksum, EncryptedData, PaData, PrincipalName, encode_realm};
use kerbcore::{Enctype, KerberosKey};

/// A ticket and what its owner needs to use it.
#[derive(Clone)]
pub(crate) struct Granted {
    pub(crate) ticket: Ticket,
    pub(crate) key: KerberosKey,
    /// The owner, as the realm writes it.
    pub(crate) owner: Account,
    /// The service that the ticket is for.
    pub(crate) service: PrincipalName,
    /// The clock of the KDC.
    pub(crate) time: KerberosTime,
}

/// An authenticator that was sent, which the proof of the service repeats.
pub(crate) struct Sent {
    pub(crate) time: KerberosTime,
    pub(crate) microseconds: i32,
}

/// Builds the request for the first ticket (AS-REQ), with the pre-authentication.
pub(crate) fn as_req(account: &Account, nonce: u32, padata: Vec<PaData>) -> Vec<u8> {
    let request = KdcReq {
        msg_type: AS_REQ,
        padata,
        req_body: KdcReqBody {
            cname: Some(account.name.clone()),
            ..body(&account.realm, krbtgt_sname(&account.realm), nonce)
        },
    };
    request.encode()
}

/// Builds the proof that the user knows the password: the time, encrypted (RFC 4120 §5.2.7.2).
pub(crate) fn encrypted_timestamp(
    random: &mut Random,
    key: &KerberosKey,
    time: &KerberosTime,
) -> PaData {
    let plaintext = encode_pa_enc_ts_enc(&time.0, random.microseconds());
    let sealed = seal(random, key, KU_AS_REQ_PA_ENC_TS, &plaintext);
    PaData {
        padata_type: PA_ENC_TIMESTAMP,
        padata_value: sealed.encode(),
    }
}

/// Builds the request for a ticket of a service (TGS-REQ), with the ticket of the realm.
pub(crate) fn tgs_req(
    random: &mut Random,
    tgt: &Granted,
    realm: &str,
    service: &PrincipalName,
    time: &KerberosTime,
    nonce: u32,
) -> Vec<u8> {
    let req_body = body(realm, service.clone(), nonce);
    let checksum = Checksum {
        cksumtype: checksum_type(tgt.key.enctype()),
        checksum: tgt.key.checksum(KU_TGS_REQ_AUTH_CKSUM, &req_body.encode()),
    };
    let (authenticator, _) = authenticator(random, &tgt.owner, time, &checksum);
    let sealed = seal(random, &tgt.key, KU_TGS_REQ_AUTH, &authenticator);
    let request = KdcReq {
        msg_type: TGS_REQ,
        padata: vec![PaData {
            padata_type: PA_TGS_REQ,
            padata_value: ap_req(&tgt.ticket, &sealed, 0),
        }],
        req_body,
    };
    request.encode()
}

/// Builds the message to a service (AP-REQ), which has to prove itself too.
pub(crate) fn service_req(random: &mut Random, granted: &Granted) -> (Vec<u8>, Sent) {
    let (authenticator, sent) =
        authenticator(random, &granted.owner, &granted.time, &gss_checksum());
    let sealed = seal(random, &granted.key, KU_AP_REQ_AUTH, &authenticator);
    (
        ap_req(&granted.ticket, &sealed, AP_OPTS_MUTUAL_REQUIRED),
        sent,
    )
}

/// The types of encryption that are spoken, in the order of their preference: those of AES.
pub(crate) const ENCTYPES: [Enctype; 4] = [
    Enctype::Aes256CtsHmacSha1_96,
    Enctype::Aes128CtsHmacSha1_96,
    Enctype::Aes256CtsHmacSha384_192,
    Enctype::Aes128CtsHmacSha256_128,
];

fn body(realm: &str, service: PrincipalName, nonce: u32) -> KdcReqBody {
    KdcReqBody {
        kdc_options: KDC_OPT_CANONICALIZE,
        cname: None,
        realm: realm.to_owned(),
        sname: Some(service),
        from: None,
        till: kerbcore::types::KerberosTime(LONGEST.to_owned()),
        rtime: None,
        nonce,
        etypes: ENCTYPES.map(Enctype::to_i32).to_vec(),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    }
}

/// Builds an authenticator (RFC 4120 §5.5.1).
fn authenticator(
    random: &mut Random,
    owner: &Account,
    time: &KerberosTime,
    checksum: &Checksum,
) -> (Vec<u8>, Sent) {
    let sent = Sent {
        time: time.clone(),
        microseconds: random.microseconds(),
    };
    let fields = [
        explicit(0, &encode_integer(VERSION)),
        explicit(1, &encode_realm(&owner.realm)),
        explicit(2, &owner.name.encode()),
        explicit(3, &checksum.encode()),
        explicit(4, &encode_integer(sent.microseconds.into())),
        explicit(5, &encode_generalized_time(&sent.time.0)),
        explicit(7, &encode_integer(random.nonce().into())),
    ];
    (application(2, &encode_sequence(&fields.concat())), sent)
}

fn ap_req(ticket: &Ticket, authenticator: &EncryptedData, options: u32) -> Vec<u8> {
    let mut bits = vec![0]; // all bits are used
    bits.extend(options.to_be_bytes());
    let fields = [
        explicit(0, &encode_integer(VERSION)),
        explicit(1, &encode_integer(AP_REQ)),
        explicit(2, &tlv(TAG_BIT_STRING, &bits)),
        explicit(3, &ticket.encode()),
        explicit(4, &authenticator.encode()),
    ];
    application(14, &encode_sequence(&fields.concat()))
}

fn seal(random: &mut Random, key: &KerberosKey, usage: u32, plaintext: &[u8]) -> EncryptedData {
    EncryptedData {
        etype: key.enctype().to_i32(),
        kvno: None,
        cipher: random.encrypt(key, usage, plaintext),
    }
}

/// Builds the "checksum" that holds the flags of GSS-API (RFC 4121 §4.1.1), without channel
/// bindings.
fn gss_checksum() -> Checksum {
    let mut checksum = GSS_BINDINGS_LENGTH.to_le_bytes().to_vec();
    checksum.extend([0; 16]);
    checksum.extend((GSS_MUTUAL | GSS_REPLAY | GSS_INTEGRITY).to_le_bytes());
    Checksum {
        cksumtype: GSS_CHECKSUM,
        checksum,
    }
}

/// Returns the type of the checksum that goes with a key (RFC 3962 §7, RFC 8009 §8).
fn checksum_type(enctype: Enctype) -> i32 {
    match enctype {
        Enctype::Aes128CtsHmacSha1_96 => 15,
        Enctype::Aes256CtsHmacSha1_96 => 16,
        other => other.to_i32(), // 19 and 20: the same numbers
    }
}

const VERSION: i64 = 5;
const AS_REQ: i32 = 10;
const TGS_REQ: i32 = 12;
const AP_REQ: i64 = 14;

/// The end of a ticket's life that is asked for; the KDC shortens it.
const LONGEST: &str = "20370913024805Z";

const GSS_CHECKSUM: i32 = 0x8003;
const GSS_BINDINGS_LENGTH: u32 = 16;
const GSS_MUTUAL: u32 = 2;
const GSS_REPLAY: u32 = 4;
const GSS_INTEGRITY: u32 = 32;
