//! The client of a realm, without I/O: from a password to the ticket of a service.

use crate::account::Account;
use crate::exchange::{Exchange, cause};
use crate::failure::{Failure, code, describe, shown};
use crate::kdcs::Kdcs;
use crate::memory::Memory;
use crate::password_key::PasswordKey;
use crate::random::Random;
use crate::reply::{Answer, KeyRecipe, cookie, open, read_hints, spoken, takes_timestamp};
use crate::request::{Granted, as_req, encrypted_timestamp, tgs_req};
use crate::time::KerberosTime;
use kerbcore::KerberosKey;
use kerbcore::client::{KU_AS_REP_ENC_PART, KU_TGS_REP_ENC_PART};
use kerbcore::messages::{KdcRep, KrbError};
use kerbcore::types::{PaData, PrincipalName};
use std::sync::Arc;
use wirestack_dial::auth::Credentials;
use wirestack_layer::Error;

/// The client of a realm, for one service.
///
/// It knows no clock. The times that it sends are those of the KDC, which come with each answer: a
/// machine whose clock is wrong logs in too.
pub(crate) struct Client {
    account: Account,
    credentials: Credentials,
    service: PrincipalName,
    kdcs: Arc<Kdcs>,
    memory: Memory,
    random: Random,
    phase: Phase,
    exchange: Exchange,
    /// `true` after an answer that the time was wrong: the next one is believed.
    corrected_time: bool,
    referrals: usize,
    /// The time in the last message.
    sent_time: KerberosTime,
}

/// The next thing that a [`Client`] needs.
pub(crate) enum Progress {
    /// The answer to this message.
    Fetch { url: String, data: Vec<u8> },
    /// A call of [`Client::derive`], which takes long.
    Derive,
    /// Nothing: here is the ticket.
    Done(Granted),
}

enum Phase {
    Idle,
    /// The KDC is asked without a proof of the password. It says which one it wants.
    Asking,
    Deriving {
        key: PasswordKey,
        then: Box<Then>,
    },
    /// The KDC has the proof. The key opens its answer.
    LoggingIn(Box<Proof>),
    /// A ticket of the service is asked for with a ticket of a realm.
    AskingForService {
        tgt: Box<Granted>,
        is_old: bool,
    },
}

/// The use of a key.
enum Then {
    Prove {
        time: KerberosTime,
        cookie: Option<PaData>,
    },
    Open(Box<KdcRep>),
}

struct Proof {
    key: KerberosKey,
    cookie: Option<PaData>,
}

impl Client {
    pub(crate) fn new(
        account: Account,
        credentials: Credentials,
        service: PrincipalName,
        kdcs: Arc<Kdcs>,
        memory: Memory,
        random: Random,
    ) -> Self {
        Self {
            account,
            credentials,
            service,
            kdcs,
            memory,
            random,
            phase: Phase::Idle,
            exchange: Exchange::default(),
            corrected_time: false,
            referrals: 0,
            sent_time: KerberosTime(String::new()),
        }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub(crate) fn into_random(self) -> Random {
        self.random
    }

    /// Begins: asks for a ticket of the service, and for one of the realm before if there is none.
    pub(crate) fn start(&mut self) -> Result<Progress, Failure> {
        (self.corrected_time, self.referrals) = (false, 0);
        match self.memory.ticket(&self.account, &self.credentials) {
            Some(tgt) => self.ask_for_service(tgt, true),
            None => self.log_in(),
        }
    }

    /// Takes the answer to a message.
    pub(crate) fn reply(
        &mut self,
        reply: Result<impl AsRef<[u8]>, Error>,
    ) -> Result<Progress, Failure> {
        let answer = match reply {
            Ok(bytes) => Answer::read(bytes.as_ref())
                .map_err(|found| format!("it answers with {found}, which is no Kerberos")),
            Err(error) => Err(cause(&error)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.exchange.failed(&why);
                return self.send();
            }
        };
        self.memory.keep_kdc(&self.exchange.url);
        match (std::mem::replace(&mut self.phase, Phase::Idle), answer) {
            (Phase::Asking, Answer::Error(error)) => self.asked_for_proof(&error),
            (Phase::Asking, Answer::Ticket(reply)) => self.open_without_proof(reply),
            (Phase::LoggingIn(proof), Answer::Error(error)) => self.proof_refused(*proof, &error),
            (Phase::LoggingIn(proof), Answer::Ticket(reply)) => {
                if reply.enc_part.etype == proof.key.enctype().to_i32() {
                    self.open(*reply, &proof.key)
                } else {
                    self.open_without_proof(reply)
                }
            }
            (Phase::AskingForService { tgt, is_old }, Answer::Error(error)) => {
                self.service_refused(*tgt, is_old, &error)
            }
            (Phase::AskingForService { tgt, .. }, Answer::Ticket(reply)) => {
                self.open_service(&tgt, *reply)
            }
            (Phase::Idle | Phase::Deriving { .. }, _) => Err(Failure::Unexpected),
        }
    }

    /// Makes the key of the password. That takes long on purpose.
    pub(crate) fn derive(&mut self) {
        if let Phase::Deriving { key, .. } = &mut self.phase {
            key.derive(&self.credentials, &self.account);
        }
    }

    /// Goes on after [`derive`](Self::derive).
    pub(crate) fn derived(&mut self) -> Result<Progress, Failure> {
        let Phase::Deriving { key, then } = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Err(Failure::Unexpected);
        };
        let key = key.into_key().ok_or(Failure::Unexpected)?;
        match *then {
            Then::Prove { time, cookie } => self.prove(Proof { key, cookie }, &time),
            Then::Open(reply) => self.open(*reply, &key),
        }
    }

    fn log_in(&mut self) -> Result<Progress, Failure> {
        let nonce = self.random.nonce();
        let data = as_req(&self.account, nonce, Vec::new());
        self.phase = Phase::Asking;
        self.begin(self.account.realm.clone(), nonce, data)
    }

    fn asked_for_proof(&mut self, error: &KrbError) -> Result<Progress, Failure> {
        if error.error_code != code::PREAUTH_REQUIRED {
            return Err(self.user_refused(error));
        }
        let hints = read_hints(error).unwrap_or_default();
        if !takes_timestamp(&hints) {
            return Err(Failure::OtherPreauthentication {
                account: self.account.to_string(),
                realm: self.exchange.realm.clone(),
            });
        }
        let Some(recipe) = KeyRecipe::find(&hints, None) else {
            return Err(self.no_common_key());
        };
        let then = Then::Prove {
            time: KerberosTime(error.stime.0.clone()),
            cookie: cookie(&hints),
        };
        self.derive_by(recipe, then)
    }

    fn prove(&mut self, proof: Proof, time: &KerberosTime) -> Result<Progress, Failure> {
        let nonce = self.random.nonce();
        let mut padata = vec![encrypted_timestamp(&mut self.random, &proof.key, time)];
        padata.extend(proof.cookie.clone());
        let data = as_req(&self.account, nonce, padata);
        self.phase = Phase::LoggingIn(Box::new(proof));
        self.sent_time.clone_from(time);
        self.begin(self.account.realm.clone(), nonce, data)
    }

    fn proof_refused(&mut self, proof: Proof, error: &KrbError) -> Result<Progress, Failure> {
        if error.error_code == code::SKEW {
            return match self.corrected(error) {
                Some(time) => self.prove(proof, &time),
                None => Err(self.skew(error)),
            };
        }
        Err(self.user_refused(error))
    }

    /// Opens an answer with a key that has still to be made: the KDC wanted no proof.
    fn open_without_proof(&mut self, reply: Box<KdcRep>) -> Result<Progress, Failure> {
        let enctype = spoken(reply.enc_part.etype).ok_or_else(|| self.no_common_key())?;
        let recipe = KeyRecipe::find(&reply.padata, Some(enctype));
        let recipe = recipe.unwrap_or_else(|| KeyRecipe::usual(enctype));
        self.derive_by(recipe, Then::Open(reply))
    }

    fn open(&mut self, reply: KdcRep, key: &KerberosKey) -> Result<Progress, Failure> {
        let Some(tgt) = open(reply, key, KU_AS_REP_ENC_PART, self.exchange.nonce) else {
            return Err(self.wrong_password("its answer cannot be decrypted"));
        };
        if realm_of(&tgt).is_none() {
            return Err(self.refused("it gave a ticket for something else".to_owned()));
        }
        self.memory
            .keep_ticket(&self.account, &self.credentials, &tgt);
        self.ask_for_service(tgt, false)
    }

    fn ask_for_service(&mut self, tgt: Granted, is_old: bool) -> Result<Progress, Failure> {
        let time = tgt.time.clone();
        self.ask_for_service_at(tgt, is_old, &time)
    }

    fn ask_for_service_at(
        &mut self,
        tgt: Granted,
        is_old: bool,
        time: &KerberosTime,
    ) -> Result<Progress, Failure> {
        let realm = realm_of(&tgt).unwrap_or_default().to_owned();
        let nonce = self.random.nonce();
        let data = tgs_req(&mut self.random, &tgt, &realm, &self.service, time, nonce);
        self.sent_time.clone_from(time);
        self.phase = Phase::AskingForService {
            tgt: Box::new(tgt),
            is_old,
        };
        self.begin(realm, nonce, data)
    }

    fn service_refused(
        &mut self,
        tgt: Granted,
        is_old: bool,
        error: &KrbError,
    ) -> Result<Progress, Failure> {
        if error.error_code == code::SKEW
            && let Some(time) = self.corrected(error)
        {
            return self.ask_for_service_at(tgt, is_old, &time);
        }
        if error.error_code == code::S_PRINCIPAL_UNKNOWN {
            return Err(Failure::UnknownService {
                service: self.service.name_string.join("/"),
                realm: shown(&self.exchange.realm),
            });
        }
        if is_old {
            self.memory.forget_ticket();
            (self.corrected_time, self.referrals) = (false, 0);
            return self.log_in();
        }
        if error.error_code == code::SKEW {
            return Err(self.skew(error));
        }
        Err(self.refused(describe(error)))
    }

    fn open_service(&mut self, tgt: &Granted, reply: KdcRep) -> Result<Progress, Failure> {
        let nonce = self.exchange.nonce;
        let Some(granted) = open(reply, &tgt.key, KU_TGS_REP_ENC_PART, nonce) else {
            return Err(self.refused("its answer cannot be decrypted".to_owned()));
        };
        if realm_of(&granted).is_none() {
            self.memory.keep_time(&granted.time);
            return Ok(Progress::Done(granted));
        }
        // A ticket of another realm, which knows the service (RFC 6806 §8).
        self.referrals += 1;
        if self.referrals > MAX_REFERRALS {
            return Err(Failure::Referrals {
                realm: shown(&self.account.realm),
                limit: MAX_REFERRALS,
            });
        }
        self.ask_for_service(granted, false)
    }

    fn derive_by(&mut self, recipe: KeyRecipe, then: Then) -> Result<Progress, Failure> {
        self.phase = Phase::Deriving {
            key: PasswordKey::new(recipe, &self.exchange.url)?,
            then: Box::new(then),
        };
        Ok(Progress::Derive)
    }

    /// Sends a message to the KDCs of a realm, the one that answered last before the others.
    fn begin(&mut self, realm: String, nonce: u32, data: Vec<u8>) -> Result<Progress, Failure> {
        // Active Directory answers to the short name of a domain with the long one.
        let is_home = self.referrals == 0 || realm.eq_ignore_ascii_case(&self.account.realm);
        let urls = self.kdcs.of(&realm, is_home, &self.memory.kdcs());
        self.exchange = Exchange::new(realm, nonce, data, urls);
        self.send()
    }

    fn send(&mut self) -> Result<Progress, Failure> {
        let (url, data) = self.exchange.next()?;
        Ok(Progress::Fetch { url, data })
    }

    /// Returns the clock of the KDC that found another time wrong, once.
    fn corrected(&mut self, error: &KrbError) -> Option<KerberosTime> {
        let is_first = !std::mem::replace(&mut self.corrected_time, true);
        is_first.then(|| KerberosTime(error.stime.0.clone()))
    }

    fn user_refused(&self, error: &KrbError) -> Failure {
        Failure::of_user(error, self.account.to_string(), shown(&self.exchange.realm))
    }

    fn wrong_password(&self, code: &'static str) -> Failure {
        Failure::WrongPassword {
            account: self.account.to_string(),
            code,
        }
    }

    fn no_common_key(&self) -> Failure {
        Failure::NoCommonKey {
            account: self.account.to_string(),
        }
    }

    fn refused(&self, what: String) -> Failure {
        Failure::Refused {
            realm: shown(&self.exchange.realm),
            what,
        }
    }

    fn skew(&self, error: &KrbError) -> Failure {
        Failure::Skew {
            realm: shown(&self.exchange.realm),
            ours: self.sent_time.clone(),
            theirs: KerberosTime(error.stime.0.clone()),
        }
    }
}

/// The realms that may refer to one another.
const MAX_REFERRALS: usize = 5;

/// Returns the realm that a ticket is for, if it is for one.
fn realm_of(granted: &Granted) -> Option<&str> {
    match &granted.service.name_string[..] {
        [service, realm] if service == "krbtgt" => Some(realm),
        _ => None,
    }
}
