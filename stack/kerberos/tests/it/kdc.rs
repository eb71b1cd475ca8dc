//! A key distribution centre as a function.

use super::PASSWORD;
use kerbcore::client::{krbtgt_sname, unix_to_kerberos_time};
use kerbcore::der::{
    Der, TAG_BIT_STRING, TAG_SEQUENCE, application, context_tag, encode_general_string,
    encode_generalized_time, encode_integer, encode_octet_string, encode_sequence, explicit,
    one_or, tlv,
};
use kerbcore::messages::{KdcRep, KdcReq, KrbError, Ticket};
use kerbcore::types::{
    Checksum, EncryptedData, EncryptionKey, KerberosTime, PaData, PrincipalName, encode_realm,
};
use kerbcore::{Enctype, KerberosKey};

/// A KDC of one realm, with one user and some services.
pub(crate) struct Kdc {
    pub(crate) realm: &'static str,
    /// Its clock, in seconds.
    pub(crate) clock: u64,
    pub(crate) enctype: Enctype,
    pub(crate) iterations: u32,
    pub(crate) wants_proof: bool,
    pub(crate) services: Vec<&'static str>,
    /// The realm to which it refers for other services.
    pub(crate) refers_to: Option<&'static str>,
    /// The error that it gives instead of an answer to an AS-REQ with a proof.
    pub(crate) error: Option<i32>,
    /// The kinds of messages that it had.
    pub(crate) seen: Vec<&'static str>,
    /// The tickets, each with the key in it.
    pub(crate) issued: Vec<(Vec<u8>, KerberosKey)>,
}

impl Default for Kdc {
    fn default() -> Self {
        Self {
            realm: "CORP.TEST",
            clock: 1_800_000_000,
            enctype: Enctype::Aes256CtsHmacSha1_96,
            iterations: 4096,
            wants_proof: true,
            services: vec!["HTTP/proxy.test"],
            refers_to: None,
            error: None,
            seen: Vec::new(),
            issued: Vec::new(),
        }
    }
}

impl Kdc {
    pub(crate) fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let request = KdcReq::decode(request).expect("a request of Kerberos");
        // The short name of a domain is taken too, as Active Directory does.
        let asked = &request.req_body.realm;
        if asked != self.realm && (request.msg_type == 12 || asked != "CORP") {
            return self.refuse(68, None);
        }
        match request.msg_type {
            10 => self.log_in(&request),
            _ => self.grant(&request),
        }
    }

    pub(crate) fn now(&self) -> String {
        unix_to_kerberos_time(self.clock)
    }

    fn log_in(&mut self, request: &KdcReq) -> Vec<u8> {
        let name = request.req_body.cname.clone().expect("a user");
        let salt = format!("{}salted", self.realm);
        if name.name_string != ["me"] {
            self.seen.push("unknown user");
            return self.refuse(6, None);
        }
        let key =
            KerberosKey::string_to_key(self.enctype, PASSWORD, salt.as_bytes(), self.iterations);
        let hints = self.hints(&salt);
        let proof = request.padata.iter().find(|it| it.padata_type == 2);
        let Some(proof) = proof else {
            if !self.wants_proof {
                self.seen.push("login without proof");
                return self.ticket(11, name, &key, 3, request, krbtgt_sname(self.realm), hints);
            }
            self.seen.push("login");
            let hints: Vec<u8> = hints.iter().flat_map(PaData::encode).collect();
            return self.refuse(25, Some(encode_sequence(&hints)));
        };
        self.seen.push("proof");
        let cookie = request.padata.iter().find(|it| it.padata_type == 133);
        if cookie.is_none_or(|cookie| cookie.padata_value != b"cookie") {
            return self.refuse(60, None);
        }
        if let Some(code) = self.error {
            return self.refuse(code, None);
        }
        let sealed = EncryptedData::decode(&proof.padata_value).expect("a proof");
        let Ok(plaintext) = key.decrypt(1, &sealed.cipher) else {
            return self.refuse(24, None);
        };
        let mut fields = Der::new(one_or(&plaintext, TAG_SEQUENCE).unwrap());
        let time = KerberosTime::decode(fields.expect(context_tag(0)).unwrap()).unwrap();
        if time.0 != self.now() {
            return self.refuse(37, None);
        }
        let service = krbtgt_sname(self.realm);
        self.ticket(11, name, &key, 3, request, service, Vec::new())
    }

    fn grant(&mut self, request: &KdcReq) -> Vec<u8> {
        self.seen.push("service");
        let message = &request.padata[0].padata_value;
        let Some((key, authenticator)) = self.read_ap_req(message, 7) else {
            return self.refuse(31, None); // the ticket was changed under way
        };
        let checksum = self.keyed_checksum(&key, &request.req_body.encode());
        assert_eq!(authenticator.checksum, checksum);
        if authenticator.time != self.now() {
            return self.refuse(37, None);
        }
        let service = request.req_body.sname.clone().expect("a service");
        let is_known = self.services.contains(&&*service.name_string.join("/"));
        let service = match self.refers_to {
            _ if is_known => service,
            Some(realm) => krbtgt_sname(realm),
            None => return self.refuse(7, None),
        };
        self.ticket(
            13,
            authenticator.owner,
            &key,
            8,
            request,
            service,
            Vec::new(),
        )
    }

    /// Opens a message to a service, whose ticket this KDC gave out.
    pub(crate) fn read_ap_req(
        &self,
        message: &[u8],
        usage: u32,
    ) -> Option<(KerberosKey, Authenticator)> {
        let (_, inner) = Der::new(message).read_tlv().ok()?;
        let mut fields = Der::new(one_or(inner, TAG_SEQUENCE).ok()?);
        for skipped in 0..3 {
            fields.expect(context_tag(skipped)).ok()?;
        }
        let ticket = Ticket::decode(fields.expect(context_tag(3)).ok()?).ok()?;
        let sealed = EncryptedData::decode(fields.expect(context_tag(4)).ok()?).ok()?;
        let mut issued = self.issued.iter();
        let (_, key) = issued.find(|(cipher, _)| *cipher == ticket.enc_part.cipher)?;
        let plaintext = key.decrypt(usage, &sealed.cipher).ok()?;
        Some((key.clone(), Authenticator::read(&plaintext)?))
    }

    pub(crate) fn refuse(&self, code: i32, data: Option<Vec<u8>>) -> Vec<u8> {
        let error = KrbError {
            stime: KerberosTime(self.now()),
            susec: 0,
            error_code: code,
            realm: self.realm.to_owned(),
            sname: krbtgt_sname(self.realm),
            e_text: Some("a\u{7}text".to_owned()),
            e_data: data,
        };
        error.encode()
    }

    fn keyed_checksum(&self, key: &KerberosKey, body: &[u8]) -> Checksum {
        let cksumtype = match key.enctype().to_i32() {
            17 => 15,
            18 => 16,
            other => other,
        };
        Checksum {
            cksumtype,
            checksum: key.checksum(6, body),
        }
    }

    fn hints(&self, salt: &str) -> Vec<PaData> {
        let entry = |etype: i32| {
            let fields = [
                explicit(0, &encode_integer(etype.into())),
                explicit(1, &encode_general_string(salt)),
                explicit(2, &encode_octet_string(&self.iterations.to_be_bytes())),
            ];
            encode_sequence(&fields.concat())
        };
        let entries = [entry(23), entry(self.enctype.to_i32())]; // RC4 is passed over
        let hint = |padata_type, padata_value| PaData {
            padata_type,
            padata_value,
        };
        vec![
            hint(2, Vec::new()),
            hint(19, encode_sequence(&entries.concat())),
            hint(133, b"cookie".to_vec()),
        ]
    }

    #[allow(clippy::too_many_arguments)]
    fn ticket(
        &mut self,
        msg_type: i32,
        cname: PrincipalName,
        key: &KerberosKey,
        usage: u32,
        request: &KdcReq,
        service: PrincipalName,
        padata: Vec<PaData>,
    ) -> Vec<u8> {
        let number = u8::try_from(self.issued.len()).unwrap();
        let session = vec![number.wrapping_add(65); self.enctype.key_len()];
        let cipher = vec![self.realm.as_bytes()[0], number];
        let session_key = KerberosKey::new(self.enctype, session.clone()).unwrap();
        self.issued.push((cipher.clone(), session_key));
        let time = encode_generalized_time(&self.now());
        let encryption_key = EncryptionKey {
            keytype: self.enctype.to_i32(),
            keyvalue: session,
        };
        let fields = [
            explicit(0, &encryption_key.encode()),
            explicit(1, &encode_sequence(&[])),
            explicit(2, &encode_integer(request.req_body.nonce.into())),
            explicit(4, &tlv(TAG_BIT_STRING, &[0; 5])),
            explicit(5, &time),
            explicit(7, &time),
            explicit(9, &encode_realm(self.realm)),
            explicit(10, &service.encode()),
        ];
        let part = application(25, &encode_sequence(&fields.concat()));
        let enc_part = EncryptedData {
            etype: key.enctype().to_i32(),
            kvno: None,
            cipher: key.encrypt(usage, &part),
        };
        let reply = KdcRep {
            msg_type,
            padata,
            crealm: self.realm.to_owned(),
            cname,
            ticket: Ticket {
                tkt_vno: 5,
                realm: self.realm.to_owned(),
                sname: service,
                enc_part: EncryptedData {
                    etype: 18,
                    kvno: Some(1),
                    cipher,
                },
            },
            enc_part,
        };
        reply.encode()
    }
}

/// The authenticator of a client.
pub(crate) struct Authenticator {
    pub(crate) owner: PrincipalName,
    pub(crate) checksum: Checksum,
    pub(crate) time: String,
    pub(crate) microseconds: i64,
}

impl Authenticator {
    fn read(plaintext: &[u8]) -> Option<Self> {
        let (_, inner) = Der::new(plaintext).read_tlv().ok()?;
        let mut fields = Der::new(one_or(inner, TAG_SEQUENCE).ok()?);
        let mut field = |number| fields.expect(context_tag(number)).ok();
        field(0)?; // the version
        field(1)?; // the realm
        Some(Self {
            owner: PrincipalName::decode(field(2)?).ok()?,
            checksum: Checksum::decode(field(3)?).ok()?,
            microseconds: Der::new(field(4)?).read_integer().ok()?,
            time: KerberosTime::decode(field(5)?).ok()?.0,
        })
    }
}
