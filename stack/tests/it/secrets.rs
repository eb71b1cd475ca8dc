//! A secret at every place that takes one, looked for in every text that the crate makes.

use crate::support::{connect_server, echo, listen, proxy, socks_server};
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::auth::{Action, Input};
use wirestack::dial::{
    Answer, Credentials, DialError, Environment, Hop, Redirects, Routes, Target, WebSocketOptions,
};
use wirestack::http2::ConnectRequest;
use wirestack::websocket::{
    Accept, Client, ClientRequest, Offer, Origins, Server, WebSocketConfig,
};
use wirestack::{
    AccessPolicy, Connection, Engine, Instant, ProxyServer, Seed, connect, connect_http2,
    connect_stream, http1, socks,
};

/// The secrets. They have no part of the texts that may be seen.
const SECRETS: [&str; 7] = [
    "hunter2",
    "aHVudGVyMg", // hunter2 in base64, without its padding
    "OmhpZGRlbg", // ":hidden" in base64
    "hidden",
    "swordfish",
    "tr0ub4dor",
    "opensesame",
];

/// The texts that were seen.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    fn see(&mut self, text: impl Display) {
        self.0.push(text.to_string());
    }

    fn debug(&mut self, value: impl Debug) {
        self.0.push(format!("{value:?} {value:#?}"));
    }

    /// Sees an error of connecting with all that hangs on it.
    fn error(&mut self, error: &DialError) {
        self.see(error);
        self.debug(error);
        self.debug(error.reason());
        self.see(error.trace());
        self.debug(error.trace());
        self.see(error.trace().waterfall());
        let mut cause: Option<&dyn StdError> = Some(error);
        while let Some(error) = cause {
            self.see(error);
            self.debug(error);
            cause = error.source();
        }
    }

    /// Fails if a text has a secret.
    fn check(&self) {
        assert!(!self.0.is_empty());
        for text in &self.0 {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
}

/// The URL of a WebSocket with secrets.
fn url(port: u16) -> String {
    format!("ws://u:hunter2@localhost:{port}/chat?token=swordfish")
}

fn opening(url: &str) -> wirestack::Connect {
    let secret = || HeaderValue::from_static("tr0ub4dor");
    connect(url)
        .header(COOKIE, secret())
        .header(HeaderName::from_static("x-api-key"), secret())
}

#[tokio::test]
async fn pitfall_63_no_text_of_a_connection_has_a_secret() {
    let mut texts = Texts::default();
    let target = echo(false).await.port();
    let (outer, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let basic = ProxyServer::connect(AccessPolicy::loopback()).with_basic("here", "me", "hidden");
    let digest = ProxyServer::connect(AccessPolicy::loopback());
    let digest = digest.with_digest("r", "me", "opensesame", Seed::new([1; 32]), Instant::now());
    texts.debug(&basic);
    texts.debug(&digest);
    let (inner, _) = proxy(basic, connect_server).await;
    let (last, _) = proxy(digest, connect_server).await;
    let socks = |password| format!("socks5h://me:{password}@{outer}");
    let by_basic = |password| format!("http://me:{password}@localhost:{}", inner.port());
    let by_digest = |password| -> Hop {
        let hop: Hop = format!("http://me:{password}@{last}").parse().unwrap();
        hop.on_challenge()
    };

    let (socket, trace) = opening(&url(target))
        .via(socks("secret"))
        .via(by_basic("hidden"))
        .via(by_digest("opensesame"))
        .traced()
        .await
        .unwrap();
    texts.see(&trace);
    texts.debug(&trace);
    texts.see(trace.waterfall());
    texts.debug(&socket);
    for layer in socket.describe() {
        texts.see(layer.to_string());
        texts.debug(layer);
    }
    texts.debug(socket.part::<Client>().and_then(Client::response));
    drop(socket);

    // Everything that fails.
    let refused = [
        opening(&url(target)).via(socks("swordfish")),
        opening(&url(target)).via(by_basic("swordfish")),
        opening(&url(target)).via(by_digest("swordfish")),
        opening(&url(target)).via("http://me:hunter2@localhost:1"),
        opening(&url(target)).via("socks4://opensesame@localhost:1"),
        opening("ws://u:hunter2@nowhere.invalid/?token=swordfish").direct(),
        opening("wss://u:hunter2@localhost:1/?token=swordfish").direct(),
        opening("ws://u:hunter2@localhost:99999/?token=swordfish").direct(),
        opening("ws://u:hunter2@local host/?token=swordfish").direct(),
        opening("ws://u:hunter2@h/?token=swordfish#opensesame").direct(),
        opening("tcp://u:hunter2@localhost:1").direct(),
        opening(&url(target)).via("ftp://me:hunter2@localhost"),
        opening(&url(target)).via("http://me:hunter2@localhost/?swordfish"),
        opening(&url(target)).subprotocol("a b").direct(),
    ];
    for opening in refused {
        texts.error(&opening.await.expect_err("it is refused"));
    }
    let stream = connect_stream("tcp://u:hunter2@localhost:1").via(socks("secret"));
    texts.error(&stream.await.err().unwrap());
    texts.error(
        &connect_http2("https://u:hunter2@localhost:1/?swordfish")
            .await
            .err()
            .unwrap(),
    );
    texts.check();
}

#[tokio::test]
async fn pitfall_63_no_text_of_a_refusal_or_a_redirect_has_a_secret() {
    let mut texts = Texts::default();
    for (answer, redirects) in [
        (
            "401 No\r\nSet-Cookie: s=hidden\r\nContent-Length: 6\r\n\r\nplease",
            Redirects::Off,
        ),
        (
            "302 F\r\nLocation: /?hidden\r\nContent-Length: 0\r\n\r\n",
            Redirects::Any,
        ),
        (
            "302 F\r\nLocation: ws://u:hidden@h/?hidden\r\n\r\n",
            Redirects::SameOrigin,
        ),
        (
            "302 F\r\nLocation: //u:hidden@h/?hidden#hidden\r\n\r\n",
            Redirects::SameOrigin,
        ),
        (
            "302 F\r\nLocation: ftp://u:hidden@h/?hidden\r\n\r\n",
            Redirects::Any,
        ),
        (
            "302 F\r\nLocation: ws://u:hidden@h:99999/?hidden\r\n\r\n",
            Redirects::Any,
        ),
        ("302 F\r\nLocation: /?hidden\r\n\r\n", Redirects::Off),
    ] {
        let (listener, address) = listen().await;
        let serving = tokio::spawn(async move {
            loop {
                let (mut io, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && io.read_buf(&mut head).await.unwrap() > 0 {}
                let answer = format!("HTTP/1.1 {answer}");
                let _ = io.write_all(answer.as_bytes()).await;
            }
        });
        let opening = opening(&url(address.port())).direct().redirects(redirects);
        let error = opening.await.expect_err("a refusal");
        texts.error(&error);
        serving.abort();
    }
    texts.check();
}

#[test]
fn pitfall_63_no_debug_of_a_value_has_a_secret() {
    let mut texts = Texts::default();
    let target: Target = "wss://u:hunter2@h/?token=swordfish".parse().unwrap();
    texts.see(&target);
    texts.debug(&target);
    texts.see(target.origin());
    let hop: Hop = "http://me:hunter2@h:1".parse().unwrap();
    texts.see(&hop);
    texts.debug(&hop);
    let routes = Routes::any_of([vec![hop.clone()], vec![hop]]);
    texts.see(&routes);
    texts.debug(&routes);
    let environment = [("all_proxy", "http://me:hunter2@h"), ("no_proxy", "a")];
    let environment = Environment::new(environment);
    texts.debug(&environment);
    texts.debug(Routes::environment(environment));
    for text in [
        "http://u:hunter2@",
        "hunter2",
        "http://me:hunter2@h/?hidden",
        "pac://hunter2",
    ] {
        texts.debug(text.parse::<Hop>().unwrap_err());
        texts.see(text.parse::<Hop>().unwrap_err());
        texts.debug(text.parse::<Target>().err());
    }

    let request = || {
        let request = ClientRequest::new("wss://h/?token=swordfish").unwrap();
        let request = request.header(AUTHORIZATION, "Basic aHVudGVyMg==").unwrap();
        request.header("x-api-key", "tr0ub4dor").unwrap()
    };
    texts.debug(request());
    texts.debug(WebSocketOptions::new(request()));
    for bad in [
        "ws://u:hunter2@h/",
        "hunter2",
        "ws://h/?swordfish#hidden",
        "ws://h:x/?hunter2",
    ] {
        let error = ClientRequest::new(bad).unwrap_err();
        texts.see(&error);
        texts.debug(&error);
    }
    let over_http2 = request().to_http2(&WebSocketConfig::default());
    let connect = ConnectRequest::extended("websocket", over_http2).unwrap();
    texts.debug(&connect);
    let fields = [(SET_COOKIE, HeaderValue::from_static("s=hidden"))];
    texts.debug(connect.headers(fields.into_iter().collect()).unwrap());

    let asked = http::Request::get("https://u:hunter2@h/?token=swordfish");
    let asked = asked
        .header("sec-websocket-version", "13")
        .header("x-api-key", "tr0ub4dor");
    let asked = asked.body(()).unwrap();
    let offer = Offer::of_http2(&asked, &Origins::same()).unwrap();
    texts.debug(offer);
    let accept = || Accept::new().header("set-cookie", "s=hidden").unwrap();
    texts.debug(accept());
    let config = WebSocketConfig::default();
    let (server, _) = Server::from_request(&offer, accept(), config).unwrap();
    texts.debug(Engine::new(server).describe());

    let credentials = || Credentials::new("opensesame", "hunter2");
    texts.debug(credentials());
    texts.debug(Input::Credentials(Some(credentials())));
    texts.debug(Input::Reply(Ok("hidden".into())));
    texts.debug(Answer::Credentials(Some(credentials())));
    texts.debug(Answer::Reply(Ok("hidden".into())));
    let value = HeaderValue::from_static("Negotiate hidden");
    texts.debug(Action::Authorize(Some(value)));
    texts.debug(Action::Fetch {
        url: "http://kdc.test/?hidden".into(),
        data: "hidden".into(),
    });
    texts.debug(socks::Server::with_credentials("opensesame", "hunter2").unwrap());
    let address = || socks::Address::new("h", 1).unwrap();
    let client = socks::Client::new(address()).with_password("opensesame", "hunter2");
    texts.debug(client.unwrap());
    texts.debug(socks::Client::new(address()).socks4("opensesame").unwrap());
    texts.check();
}

#[tokio::test]
async fn pitfall_63_what_a_server_reads_of_its_client_shows_no_secret() {
    let mut texts = Texts::default();
    let (listener, address) = listen().await;
    let serving = async {
        let (io, _) = listener.accept().await.unwrap();
        let server = Server::new(WebSocketConfig::default());
        let mut socket = Connection::from_transport(io, Engine::new(server)).unwrap();
        let offer = socket.wait_for(|engine| {
            let server = engine.part_mut::<Server>()?;
            let shown = server
                .request()
                .map(|offer| format!("{offer:?} {:?}", offer.headers()))?;
            server.accept(Accept::new()).unwrap();
            Some(shown)
        });
        (offer.await.unwrap(), format!("{socket:?}"))
    };
    let url = format!("ws://u:hunter2@{address}/?token=swordfish");
    let opening = connect(&url).direct().http1_only();
    let opening = opening.header(COOKIE, HeaderValue::from_static("tr0ub4dor"));
    let ((offer, shown), client) = tokio::join!(serving, opening.into_future());
    drop(client);
    texts.see(offer);
    texts.see(shown);

    let mut proxy = Engine::new(http1::connect::Server::new());
    proxy.from_wire().write(
        b"CONNECT h:1 HTTP/1.1\r\nProxy-Authorization: Basic dTphSFZ1ZEdWeU1n\r\n\
          Cookie: s=hidden\r\n\r\n",
    );
    proxy.process(Instant::ORIGIN);
    let server = proxy.part::<http1::connect::Server>().unwrap();
    let shown = format!("{:?}", server.request().unwrap());
    assert!(
        shown.contains("Sensitive") && !shown.contains("dTphSFZ1"),
        "{shown}"
    );
    texts.see(shown);
    texts.debug(proxy.describe());

    let mut socks = Engine::new(socks::Server::new().with_socks4(|_| true));
    socks
        .from_wire()
        .write(b"\x04\x01\0\x50\xc0\0\x02\x01hunter2\0");
    socks.process(Instant::ORIGIN);
    texts.debug(socks.part::<socks::Server>().unwrap().request().unwrap());
    texts.debug(socks.describe());
    texts.check();
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn pitfall_63_no_span_and_no_event_has_a_secret() {
    use crate::tracing::Notes;
    let notes = Notes::default();
    let guard = tracing::subscriber::set_default(notes.clone());
    let target = echo(false).await.port();
    let digest = ProxyServer::connect(AccessPolicy::loopback());
    let digest = digest.with_digest("r", "me", "opensesame", Seed::new([1; 32]), Instant::now());
    let (gate, _) = proxy(digest, connect_server).await;
    for password in ["opensesame", "swordfish"] {
        let hop: Hop = format!("http://me:{password}@{gate}").parse().unwrap();
        let opened = opening(&url(target)).via(hop.on_challenge()).await;
        assert_eq!(opened.is_ok(), password == "opensesame");
    }
    drop(guard);
    let mut texts = Texts::default();
    texts.see(notes.text());
    texts.check();
}
