//! A proxy that wants a ticket, as a function.

use super::kdc::Kdc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kerbcore::KerberosKey;
use kerbcore::der::{
    application, encode_generalized_time, encode_integer, encode_sequence, explicit,
};
use kerbcore::gss::{
    KRB5_MECH_OID_DER, TOK_ID_AP_REP, TOK_ID_AP_REQ, TOK_ID_KRB_ERROR, initial_context_token,
    parse_initial_context_token,
};
use kerbcore::spnego::{NegState, NegTokenInit, NegTokenResp};
use kerbcore::types::EncryptedData;

/// The answer of a proxy to a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It says 200, and nothing more.
    #[default]
    Plain,
    /// It proves itself in this field, within SPNEGO or without it.
    Proves {
        field: &'static str,
        in_spnego: bool,
    },
    /// Its proof has one wrong bit: the octet at this place of the proof.
    Corrupted(usize),
    /// It says 200 with this token.
    Says(Vec<u8>),
    /// It answers the first message of NTLM with this token, and takes the third.
    WantsNtlm(Vec<u8>),
    /// It says 407 again, with this token or without one.
    Refuses(Option<Vec<u8>>),
}

impl Manner {
    /// Answers a request of a client.
    pub(crate) fn answer(&self, request: &str, kdc: &Kdc) -> String {
        let field = "Proxy-Authorization: Negotiate ";
        let Some(token) = request.lines().find_map(|line| line.strip_prefix(field)) else {
            return refuse("Negotiate");
        };
        let token = STANDARD.decode(token).expect("a token");
        if let Self::WantsNtlm(answer) = self {
            return speak_ntlm(&token, answer);
        }
        let Some((key, time, microseconds)) = read_token(&token, kdc) else {
            return refuse("Negotiate");
        };
        let proof = prove(&key, &time, microseconds);
        let accepted = |token: &[u8]| accept("Proxy-Authenticate", token);
        match self {
            Self::Plain | Self::WantsNtlm(_) => OK.to_owned(),
            Self::Proves { field, in_spnego } => {
                let token = if *in_spnego { spnego(proof) } else { proof };
                accept(field, &token)
            }
            Self::Corrupted(at) => {
                let mut token = spnego(proof);
                let at = at % token.len();
                token[at] ^= 1;
                accepted(&token)
            }
            Self::Says(token) => accepted(token),
            Self::Refuses(None) => refuse("Negotiate"),
            Self::Refuses(Some(token)) => refuse(&format!("Negotiate {}", STANDARD.encode(token))),
        }
    }
}

/// The last words of SPNEGO, with the proof of Kerberos.
pub(crate) fn spnego(proof: Vec<u8>) -> Vec<u8> {
    let last = NegTokenResp {
        neg_state: Some(NegState::AcceptCompleted),
        supported_mech: Some(KRB5_MECH_OID_DER.to_vec()),
        response_token: Some(proof),
        mech_list_mic: None,
    };
    last.encode()
}

/// The refusal of a service, in SPNEGO.
pub(crate) fn rejection(error: &[u8]) -> Vec<u8> {
    let last = NegTokenResp {
        neg_state: Some(NegState::Reject),
        response_token: Some(initial_context_token(TOK_ID_KRB_ERROR, error)),
        ..NegTokenResp::default()
    };
    last.encode()
}

fn speak_ntlm(token: &[u8], answer: &[u8]) -> String {
    if let Ok(first) = NegTokenInit::parse(token) {
        let message = first.mech_token.expect("a message at once");
        assert_eq!(message[..12], *b"NTLMSSP\0\x01\0\0\0");
        return refuse(&format!("Negotiate {}", STANDARD.encode(answer)));
    }
    let last = NegTokenResp::parse(token).expect("SPNEGO");
    let message = last.response_token.expect("a message");
    assert_eq!(message[..12], *b"NTLMSSP\0\x03\0\0\0");
    OK.to_owned()
}

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

fn read_token(token: &[u8], kdc: &Kdc) -> Option<(KerberosKey, String, i64)> {
    let token = NegTokenInit::parse(token).expect("SPNEGO");
    assert_eq!(token.mech_types, [KRB5_MECH_OID_DER]);
    let inner = token.mech_token.expect("a ticket at once");
    let (kind, message) = parse_initial_context_token(&inner).expect("Kerberos");
    assert_eq!(kind, TOK_ID_AP_REQ);
    let (key, sent) = kdc.read_ap_req(&message, 11)?;
    assert_eq!(sent.checksum.cksumtype, 0x8003);
    assert_eq!(sent.checksum.checksum[..4], [16, 0, 0, 0]);
    assert_eq!(sent.checksum.checksum[20] & 2, 2, "it wants a proof");
    Some((key, sent.time, sent.microseconds))
}

fn prove(key: &KerberosKey, time: &str, microseconds: i64) -> Vec<u8> {
    let fields = [
        explicit(0, &encode_generalized_time(time)),
        explicit(1, &encode_integer(microseconds)),
    ];
    let part = application(27, &encode_sequence(&fields.concat()));
    let sealed = EncryptedData {
        etype: key.enctype().to_i32(),
        kvno: None,
        cipher: key.encrypt(12, &part),
    };
    let fields = [
        explicit(0, &encode_integer(5)),
        explicit(1, &encode_integer(15)),
        explicit(2, &sealed.encode()),
    ];
    let message = application(15, &encode_sequence(&fields.concat()));
    initial_context_token(TOK_ID_AP_REP, &message)
}

fn accept(field: &str, token: &[u8]) -> String {
    let token = STANDARD.encode(token);
    format!("HTTP/1.1 200 OK\r\n{field}: Negotiate {token}\r\n\r\n")
}

fn refuse(challenge: &str) -> String {
    format!(
        "HTTP/1.1 407 No\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nProxy-Authenticate: \
         {challenge}\r\nContent-Length: 0\r\n\r\n"
    )
}
