//! The messages of NTLM (MS-NLMP §2.2).

use super::keys::{Account, Response, utf16};

/// The first message: the flags, without a domain and a workstation.
pub(super) const NEGOTIATE: [u8; 32] = {
    let mut message = [0; 32];
    let mut at = 0;
    while at < SIGNATURE.len() {
        message[at] = SIGNATURE[at];
        at += 1;
    }
    message[8] = 1;
    let flags = FLAGS.to_le_bytes();
    at = 0;
    while at < flags.len() {
        message[12 + at] = flags[at];
        at += 1;
    }
    message
};

/// The challenge of the server, the second message.
pub(super) struct ServerChallenge<'a> {
    pub(super) nonce: [u8; 8],
    flags: u32,
    /// The attributes of the target, without the last one, which is empty.
    target: Vec<(u16, &'a [u8])>,
}

impl<'a> ServerChallenge<'a> {
    /// Reads the second message, or returns what is wrong with it.
    pub(super) fn read(message: &'a [u8]) -> Result<Self, &'static str> {
        let mut parts = Reader(message);
        let cut = "is cut";
        if parts.array().ok_or(cut)? != SIGNATURE {
            return Err("does not begin with NTLMSSP");
        }
        if u32::from_le_bytes(parts.array().ok_or(cut)?) != 2 {
            return Err("is another message");
        }
        let _name: [u8; 8] = parts.array().ok_or(cut)?;
        let flags = u32::from_le_bytes(parts.array().ok_or(cut)?);
        let nonce = parts.array().ok_or(cut)?;
        if flags & UNICODE == 0 {
            return Err("wants texts that are not in Unicode");
        }
        // Old servers end here, or have no attributes.
        let field = parts.take(8).and_then(|_| parts.array::<8>());
        let target = match field.map(|field| at(message, field)) {
            None => &[],
            Some(target) => target.ok_or("has attributes outside of it")?,
        };
        Ok(Self {
            nonce,
            flags,
            target: attributes(target).ok_or("has attributes that are cut")?,
        })
    }

    /// Returns the time of the server, if it sent one.
    pub(super) fn time(&self) -> Option<u64> {
        let mut target = self.target.iter();
        let (_, time) = target.find(|(id, _)| *id == TIMESTAMP)?;
        Some(u64::from_le_bytes((*time).try_into().ok()?))
    }

    /// Returns the attributes for the answer. If the server sent its time, they name the service
    /// and say that the answer is signed (MS-NLMP §3.1.5.1.2).
    pub(super) fn answered(&self, service: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |id: u16, value: &[u8]| {
            // All of them came with a length of two bytes, or are short.
            let length = u16::try_from(value.len()).unwrap_or_default();
            out.extend(id.to_le_bytes());
            out.extend(length.to_le_bytes());
            out.extend(&value[..usize::from(length)]);
        };
        let is_signed = self.time().is_some();
        let mut flags = 0;
        for (id, value) in &self.target {
            match *id {
                FLAGS_OF_CLIENT => flags = number(value),
                TARGET_NAME | CHANNEL_BINDINGS if is_signed => {}
                id => put(id, value),
            }
        }
        if is_signed {
            put(FLAGS_OF_CLIENT, &(flags | IS_SIGNED).to_le_bytes());
            put(TARGET_NAME, &utf16(service));
            put(CHANNEL_BINDINGS, &[0; 16]); // none
        }
        put(END, &[]);
        out
    }

    /// Returns the third message. `challenge` is the second.
    pub(super) fn authenticate(
        &self,
        account: &Account,
        response: &Response,
        workstation: &str,
        challenge: &[u8],
    ) -> Result<Vec<u8>, &'static str> {
        let is_signed = self.time().is_some();
        // LMv2 has no place for the time, so it goes without it (§3.1.5.1.2).
        let lm = if is_signed { [0; 24] } else { response.lm };
        let parts = [
            &lm[..],
            &response.nt,
            &utf16(&account.domain),
            &utf16(&account.user),
            &utf16(workstation),
            &[],
        ];
        let mut message = SIGNATURE.to_vec();
        message.extend(3_u32.to_le_bytes());
        let mut end = HEAD;
        for part in parts {
            let length =
                u16::try_from(part.len()).map_err(|_| "needs an answer that is too long")?;
            message.extend(length.to_le_bytes());
            message.extend(length.to_le_bytes());
            message.extend(u32::try_from(end).unwrap_or_default().to_le_bytes());
            end += part.len();
        }
        message.extend((self.flags & FLAGS | UNICODE).to_le_bytes());
        message.extend([0; 8]); // no version
        message.extend([0; 16]); // the place of the signature
        for part in parts {
            message.extend(part);
        }
        if is_signed {
            let code = response.sign(&[&NEGOTIATE, challenge, &message]);
            message[HEAD - 16..HEAD].copy_from_slice(&code);
        }
        Ok(message)
    }
}

/// Reads a list of attributes, up to its end.
fn attributes(bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut list = Vec::new();
    let mut parts = Reader(bytes);
    while !parts.0.is_empty() {
        let id = u16::from_le_bytes(parts.array()?);
        let length = u16::from_le_bytes(parts.array()?);
        if id == END {
            break;
        }
        list.push((id, parts.take(usize::from(length))?));
    }
    Some(list)
}

/// Returns the part of a message that a field names: its length, its room and its place.
fn at(message: &[u8], field: [u8; 8]) -> Option<&[u8]> {
    let [low, high, _, _, place @ ..] = field;
    let length = usize::from(u16::from_le_bytes([low, high]));
    let place = usize::try_from(u32::from_le_bytes(place)).ok()?;
    if length == 0 {
        return Some(&[]);
    }
    message.get(place..)?.get(..length)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

/// The bytes that are not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

const SIGNATURE: [u8; 8] = *b"NTLMSSP\0";
/// The length of the third message without its texts.
const HEAD: usize = 88;

/// The flags (§2.2.2.5): texts in Unicode, the name of the target, NTLM, a signature in every
/// message, the extended security of sessions, and attributes of the target.
const FLAGS: u32 = UNICODE | 0x4 | 0x200 | 0x8000 | 0x8_0000 | 0x80_0000;
const UNICODE: u32 = 0x1;

/// The attributes (§2.2.2.1).
const END: u16 = 0;
const FLAGS_OF_CLIENT: u16 = 6;
const TIMESTAMP: u16 = 7;
const TARGET_NAME: u16 = 9;
const CHANNEL_BINDINGS: u16 = 10;
/// The flag of an answer that is signed.
const IS_SIGNED: u32 = 2;
