//! Certificates made on the spot, and two layers joined by links, on a clock that stands still.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::sync::LazyLock;
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe};
use wirestack_tls::rustls::pki_types::CertificateDer;
use wirestack_tls::{
    Client, ClientSettings, Server, ServerSettings, TlsError, TlsVersions, server_name,
};

/// The versions, each alone.
pub(crate) const BOTH: [TlsVersions; 2] = [TlsVersions::Tls12, TlsVersions::Tls13];

/// An authority that issues certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Issues a certificate; returns it and its key, as PEM.
    pub(crate) fn issue(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

pub(crate) static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::new("the authority"));

static IDENTITY: LazyLock<(String, String)> =
    LazyLock::new(|| AUTHORITY.issue(&["example.org"], |_| {}));

pub(crate) fn client_settings() -> ClientSettings {
    let settings = ClientSettings::new().without_system_roots();
    settings.ca_certificates(AUTHORITY.pem())
}

pub(crate) fn server_settings() -> ServerSettings {
    let (chain, key) = &*IDENTITY;
    ServerSettings::new(&**chain, &**key)
}

pub(crate) fn client(settings: ClientSettings) -> Client {
    client_of("example.org", settings)
}

pub(crate) fn client_of(host: &str, settings: ClientSettings) -> Client {
    Client::new(settings.build().unwrap(), server_name(host).unwrap()).unwrap()
}

pub(crate) fn server(settings: ServerSettings) -> Server {
    Server::new(settings.build().unwrap()).unwrap()
}

/// A layer and its four flows.
pub(crate) struct Side<L> {
    pub(crate) layer: L,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: Pipe,
    pub(crate) to_app: Pipe,
    /// The bytes that its application has read.
    pub(crate) got: Vec<u8>,
    /// `true` while its application reads.
    pub(crate) reads: bool,
    /// The largest number of bytes that waited in `to_wire` and in `to_app`.
    pub(crate) peak: [usize; 2],
}

impl<L: Layer<In = Pipe, Out = Pipe>> Side<L> {
    pub(crate) fn new(layer: L, limit: usize) -> Self {
        let [from_wire, to_wire, from_app, to_app] = [(); 4].map(|()| Pipe::with_limit(limit));
        Self {
            layer,
            from_wire,
            to_wire,
            from_app,
            to_app,
            got: Vec::new(),
            reads: true,
            peak: [0; 2],
        }
    }

    pub(crate) fn step(&mut self) {
        let flows = Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        self.layer.process(flows, now());
    }

    fn revision(&self) -> u64 {
        let wire = self.from_wire.revision() + self.to_wire.revision();
        wire + self.from_app.revision() + self.to_app.revision()
    }

    /// Processes until nothing moves, and once more to see that nothing is left to do. Returns
    /// `true` if something moved.
    fn process(&mut self) -> bool {
        let start = self.revision();
        loop {
            self.step();
            let before = self.revision();
            self.step();
            assert_eq!(before, self.revision(), "not idempotent");
            let waiting = [self.to_wire.len(), self.to_app.len()];
            self.peak = std::array::from_fn(|i| self.peak[i].max(waiting[i]));
            if !self.reads || self.to_app.is_empty() {
                return start != self.revision();
            }
            self.got.extend_from_slice(self.to_app.unread());
            self.to_app.discard();
        }
    }

    /// The end of the flow to the application.
    pub(crate) fn end(&self) -> Option<&End> {
        self.to_app.end()
    }

    pub(crate) fn finished(&self) -> bool {
        matches!(self.end(), Some(End::Finished))
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        match self.end() {
            Some(End::Aborted(error)) => Some(error),
            _ => None,
        }
    }

    #[track_caller]
    pub(crate) fn cause(&self) -> &TlsError {
        let Some(error) = self.error() else {
            panic!("no error but {:?}", self.end());
        };
        error
            .cause()
            .unwrap_or_else(|| panic!("not of TLS: {error}"))
    }

    #[track_caller]
    pub(crate) fn text(&self) -> String {
        self.error().expect("an error").to_string()
    }
}

/// The treatment of the bytes of one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    /// All bytes pass.
    Whole,
    /// At most so many bytes pass at once.
    Chunks(usize),
    /// The bytes up to this offset pass first, and the rest when both sides have processed those.
    Split(usize),
    /// The bytes up to this offset pass, then the connection ends.
    Cut(usize),
    /// The bytes up to this offset pass, then the connection is reset.
    Reset(usize),
    /// A bit of the byte at this offset is flipped.
    Flip(usize),
}

/// Two sides and the links between them.
pub(crate) struct World<C, S> {
    pub(crate) client: Side<C>,
    pub(crate) server: Side<S>,
    /// The links [`TO_SERVER`] and [`TO_CLIENT`].
    pub(crate) links: [Link; 2],
    /// The number of bytes that went each way.
    pub(crate) carried: [usize; 2],
}

impl<C, S> World<C, S>
where
    C: Layer<In = Pipe, Out = Pipe>,
    S: Layer<In = Pipe, Out = Pipe>,
{
    pub(crate) fn new(client: C, server: S, limit: usize) -> Self {
        Self {
            client: Side::new(client, limit),
            server: Side::new(server, limit),
            links: [Link::Whole; 2],
            carried: [0; 2],
        }
    }

    pub(crate) fn linked(mut self, to_server: Link, to_client: Link) -> Self {
        self.links = [to_server, to_client];
        self
    }

    /// Runs until nothing moves.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let mut moved = self.client.process();
            moved |= self.carry(TO_SERVER);
            moved |= self.server.process();
            moved |= self.carry(TO_CLIENT);
            if !moved {
                return;
            }
        }
        panic!("does not settle");
    }

    /// The client asks, the server answers; both finish, the server last.
    pub(crate) fn converse(&mut self) {
        self.client.from_app.write(ASKED);
        self.settle();
        self.server.from_app.write(ANSWERED);
        self.settle();
        self.client.from_app.finish();
        self.settle();
        self.server.from_app.finish();
        self.settle();
    }

    #[track_caller]
    pub(crate) fn assert_conversed(&self, what: impl std::fmt::Debug) {
        assert_eq!(self.server.got, ASKED, "{what:?}");
        assert_eq!(self.client.got, ANSWERED, "{what:?}");
        assert!(self.client.finished(), "{what:?} {:?}", self.client.end());
        assert!(self.server.finished(), "{what:?} {:?}", self.server.end());
    }

    /// Moves bytes or an end one way. Returns `true` if something moved.
    fn carry(&mut self, way: usize) -> bool {
        let (from, to) = if way == TO_SERVER {
            (&mut self.client.to_wire, &mut self.server.from_wire)
        } else {
            (&mut self.server.to_wire, &mut self.client.from_wire)
        };
        if to.is_closed() {
            let lost = !from.is_empty();
            from.discard();
            return lost;
        }
        let done = self.carried[way];
        let mut n = from.len().min(to.room());
        match self.links[way] {
            Link::Whole => {}
            Link::Chunks(most) => n = n.min(most),
            Link::Split(at) if done < at => n = n.min(at - done),
            Link::Split(_) => {}
            Link::Cut(at) | Link::Reset(at) if done < at => n = n.min(at - done),
            Link::Cut(_) => {
                to.finish();
                return true;
            }
            Link::Reset(_) => {
                to.abort(Error::peer("link", "connection reset"));
                return true;
            }
            Link::Flip(at) => {
                if (done..done + n).contains(&at) {
                    from.unread_mut()[at - done] ^= 0x10;
                }
            }
        }
        if n > 0 {
            to.write(&from.take(n));
            self.carried[way] += n;
            return true;
        }
        let Some(end) = from.end().cloned() else {
            return false;
        };
        to.close(end);
        true
    }
}

pub(crate) const TO_SERVER: usize = 0;
pub(crate) const TO_CLIENT: usize = 1;

pub(crate) type TlsWorld = World<Client, Server>;

pub(crate) fn world(versions: TlsVersions) -> TlsWorld {
    with(client_settings().versions(versions), server_settings())
}

pub(crate) fn with(c: ClientSettings, s: ServerSettings) -> TlsWorld {
    World::new(client(c), server(s), 65536)
}

pub(crate) const ASKED: &[u8] = b"which layer is this?";
pub(crate) const ANSWERED: &[u8] = b"the one in the middle, as always";

/// The time, which stands still.
pub(crate) fn now() -> Instant {
    Instant::ORIGIN
}
