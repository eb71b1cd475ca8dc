//! The tokens of Negotiate: Kerberos (RFC 4121) in SPNEGO (RFC 4178).

use crate::failure::describe;
use crate::random::Random;
use crate::request::{Granted, Sent, service_req};
use crate::time::KerberosTime;
use kerbcore::KerberosKey;
use kerbcore::client::{KU_AP_REP_ENC_PART, parse_ap_rep, verify_ap_rep};
use kerbcore::der::{Der, TAG_SEQUENCE, context_tag, encode_sequence, one_or};
use kerbcore::gss::{
    KRB5_MECH_OID_DER, TOK_ID_AP_REP, TOK_ID_AP_REQ, TOK_ID_KRB_ERROR, initial_context_token,
    parse_initial_context_token, verify_mic,
};
use kerbcore::messages::KrbError;
use kerbcore::spnego::{MS_KRB5_OID_DER, NegState, NegTokenInit, NegTokenResp};
use zeroize::Zeroizing;

/// A login that was sent, as far as its answer is checked against it.
pub(crate) struct Login {
    key: KerberosKey,
    sent: Sent,
}

/// The reason why an answer to a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("it is broken")]
    Broken,
    #[error("it rejects the login")]
    Rejected,
    #[error("it wants another message, and a login by a ticket has one")]
    Unfinished,
    #[error("it chose another mechanism than Kerberos")]
    OtherMechanism,
    #[error("it does not prove who the proxy is")]
    NotProven,
    #[error("{what}")]
    Service {
        what: String,
        /// The clock of the proxy.
        time: KerberosTime,
    },
}

impl Login {
    /// Makes the token that logs in with a ticket.
    pub(crate) fn new(random: &mut Random, granted: &Granted) -> (Vec<u8>, Self) {
        let (request, sent) = service_req(random, granted);
        let token = NegTokenInit {
            mech_types: vec![KRB5_MECH_OID_DER.to_vec()],
            mech_token: Some(initial_context_token(TOK_ID_AP_REQ, &request)),
            mech_list_mic: None,
        };
        let login = Self {
            key: granted.key.clone(),
            sent,
        };
        (token.encode(), login)
    }

    /// Returns the time in the token: the clock of the KDC.
    pub(crate) fn time(&self) -> &KerberosTime {
        &self.sent.time
    }

    /// Checks the answer of the proxy: its proof, if there is one, has to be right.
    ///
    /// An answer without a proof is taken. It says no more than the 2xx around it.
    pub(crate) fn check(&self, answer: &[u8]) -> Result<(), TokenError> {
        // Some proxies leave SPNEGO out of their answer.
        if answer.first() == Some(&INITIAL_TOKEN) {
            return self.check_kerberos(answer).map(drop);
        }
        let answer = read_answer(answer)?;
        if let Some(token) = &answer.response_token
            && answer.neg_state == Some(NegState::Reject)
        {
            // It may hold the reason.
            self.check_kerberos(token)?;
        }
        match answer.neg_state {
            Some(NegState::AcceptCompleted) | None => {}
            Some(NegState::Reject) => return Err(TokenError::Rejected),
            Some(_) => return Err(TokenError::Unfinished),
        }
        let is_kerberos = |oid: &Vec<u8>| [KRB5_MECH_OID_DER, MS_KRB5_OID_DER].contains(&&oid[..]);
        if answer.supported_mech.is_some_and(|oid| !is_kerberos(&oid)) {
            return Err(TokenError::OtherMechanism);
        }
        let subkey = match &answer.response_token {
            Some(token) => self.check_kerberos(token)?,
            None => None,
        };
        match answer.mech_list_mic {
            // Old servers of Microsoft repeat their token here.
            Some(mic) if answer.response_token.as_ref() != Some(&mic) => {
                let list = encode_sequence(KRB5_MECH_OID_DER);
                let key = subkey.as_ref().unwrap_or(&self.key);
                verify_mic(key, &mic, &list).map_err(|_| TokenError::NotProven)
            }
            _ => Ok(()),
        }
    }

    /// Checks a token of Kerberos, and returns the key that the proxy chose, if it did.
    fn check_kerberos(&self, token: &[u8]) -> Result<Option<KerberosKey>, TokenError> {
        let read = parse_initial_context_token(token).map_err(|_| TokenError::Broken)?;
        match read {
            (TOK_ID_AP_REP, message) => self.check_proof(&message),
            (TOK_ID_KRB_ERROR, message) => {
                let error = KrbError::decode(&message).map_err(|_| TokenError::Broken)?;
                Err(TokenError::Service {
                    what: describe(&error),
                    time: KerberosTime(error.stime.0),
                })
            }
            _ => Err(TokenError::Broken),
        }
    }

    /// Checks that the proxy could read the ticket: it repeats the time in it (RFC 4120 §3.2.5).
    fn check_proof(&self, message: &[u8]) -> Result<Option<KerberosKey>, TokenError> {
        let sealed = parse_ap_rep(message).map_err(|_| TokenError::Broken)?;
        if sealed.etype != self.key.enctype().to_i32() {
            return Err(TokenError::NotProven);
        }
        let plaintext = self.key.decrypt(KU_AP_REP_ENC_PART, &sealed.cipher);
        let plaintext = Zeroizing::new(plaintext.map_err(|_| TokenError::NotProven)?);
        let part = verify_ap_rep(&plaintext, &self.sent.time.0, self.sent.microseconds);
        let part = part.map_err(|_| TokenError::NotProven)?;
        let subkey = part
            .subkey
            .map(|key| KerberosKey::from_i32(key.keytype, key.keyvalue));
        subkey.transpose().map_err(|_| TokenError::Broken)
    }
}

/// Reads an answer of SPNEGO. A field that is unknown or in a wrong place would be passed over, and
/// with it the proof: it is refused.
fn read_answer(token: &[u8]) -> Result<NegTokenResp, TokenError> {
    let known = || {
        let mut token = Der::new(token);
        let mut fields = Der::new(one_or(token.expect(context_tag(1))?, TAG_SEQUENCE)?);
        token.finish()?;
        for number in 0..4 {
            if fields.peek_tag() == Some(context_tag(number)) {
                fields.read_tlv()?;
            }
        }
        fields.finish()
    };
    known().map_err(|_| TokenError::Broken)?;
    NegTokenResp::parse(token).map_err(|_| TokenError::Broken)
}

/// The first octet of a token that is not in an answer of SPNEGO (RFC 2743 §3.1).
const INITIAL_TOKEN: u8 = 0x60;
