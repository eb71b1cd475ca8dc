//! Proxy auto-config files over loopback: got from a server or from disk, on every runtime.

use crate::support::{TIMEOUT, TLS, connect_server, echo, listen, proxy};
use http::HeaderValue;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wirestack::dial::find::{Fetch, FindAction, FindInput, FindRoutes, RouteSource};
use wirestack::dial::{Routes, Target, Timeouts};
use wirestack::pac::{Pac, PacLimits};
use wirestack::runtime::{AddressStream, Resolve};
use wirestack::websocket::Message;
use wirestack::{AccessPolicy, Connect, Connection, Engine, Instant, ProxyServer, connect, tls};

/// Every name but one is this machine.
struct Names;

impl Resolve for Names {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let found = if host == "gone.test" {
            Err(std::io::Error::other("no such name"))
        } else {
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        };
        Box::pin(futures_util::stream::once(async { found }))
    }
}

/// A web server, which answers each path with a whole response, and keeps the heads of requests.
#[derive(Clone)]
struct Web {
    address: SocketAddr,
    pages: Arc<Mutex<HashMap<String, String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Self {
            address: listener.local_addr().unwrap(),
            pages: Arc::default(),
            heads: Arc::default(),
        };
        let own = web.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                own.serve(client.unwrap());
            }
        });
        web
    }

    fn serve(&self, mut client: impl Read + Write) {
        let mut head = String::new();
        let mut lines = BufReader::new(&mut client);
        while !head.ends_with("\r\n\r\n") {
            if lines.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        drop(lines);
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.heads.lock().unwrap().push(head);
        let page = self.pages.lock().unwrap().get(&path).cloned();
        let none = || "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
        let _ = client.write_all(page.unwrap_or_else(none).as_bytes());
    }

    fn answers(&self, path: &str, response: String) {
        self.pages.lock().unwrap().insert(path.to_owned(), response);
    }

    fn url(&self, path: &str) -> String {
        format!("http://wpad.test:{}{path}", self.address.port())
    }
}

fn page(fields: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\n{fields}content-length: {length}\r\n\r\n{body}")
}

fn script(result: &str) -> String {
    format!("function FindProxyForURL(url, host) {{ return {result}; }}")
}

fn to(echo: SocketAddr, pac: Pac) -> Connect {
    let mut timeouts = Timeouts::default();
    timeouts.total = TIMEOUT;
    connect(format!("ws://localhost:{}/chat", echo.port()))
        .resolver(Names)
        .timeouts(timeouts)
        .tls(TLS.client.clone())
        .pac(pac.also_for_local())
}

async fn works(connect: Connect) -> String {
    let (mut socket, trace) = connect.traced().await.unwrap();
    socket.send("hello").await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
    trace.to_string()
}

async fn failure(connect: Connect) -> String {
    match connect.await {
        Ok(_) => panic!("it must not connect"),
        Err(error) => error.to_string(),
    }
}

/// Gets a file with a token, and finds that the way is direct.
struct Guarded(String);

impl RouteSource for Guarded {
    fn name(&self) -> String {
        "guarded file".to_owned()
    }

    fn finder(&self, _: &Target) -> Box<dyn FindRoutes> {
        Box::new(Self(self.0.clone()))
    }
}

impl FindRoutes for Guarded {
    fn step(&mut self, input: FindInput, _: Instant) -> FindAction {
        if !matches!(input, FindInput::Start) {
            return FindAction::Found(Routes::direct());
        }
        let mut fetch = Fetch::new(&self.0, 1000);
        let mut key = HeaderValue::from_static("hidden");
        key.set_sensitive(true);
        fetch.headers.insert("x-key", key);
        let token = HeaderValue::from_static("Bearer secret");
        fetch.headers.insert("authorization", token);
        fetch
            .headers
            .insert("x-plain", HeaderValue::from_static("y"));
        FindAction::Fetch(fetch)
    }
}

#[tokio::test]
async fn no_secret_of_a_file_follows_to_another_origin() {
    let (echo, first, other) = (echo(false).await, Web::start(), Web::start());
    let moved =
        |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    first.answers("/one", moved("/two"));
    first.answers("/two", moved(&other.url("/three")));
    other.answers("/three", page("", "found"));
    let pac = Pac::url(&first.url("/one")).unwrap();
    let source = Arc::new(Guarded(first.url("/one")));
    works(to(echo, pac).routes(Routes::found_by(source))).await;
    let heads = first.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 2);
    for head in heads {
        assert!(head.contains("secret") && head.contains("hidden"), "{head}");
    }
    let heads = other.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].contains("x-plain: y"), "{}", heads[0]);
    assert!(!heads[0].contains("secret"), "{}", heads[0]);
    assert!(!heads[0].contains("hidden"), "{}", heads[0]);
}

async fn open_proxy() -> SocketAddr {
    let gate = ProxyServer::connect(AccessPolicy::loopback());
    proxy(gate, connect_server).await.0
}

async fn a_file_names_a_proxy() {
    let (echo, web, proxy) = (echo(false).await, Web::start(), open_proxy().await);
    let text = format!(
        "dnsResolve('name.test') == '127.0.0.1' && url == 'ws://localhost:{}/chat' && host == \
         'localhost' ? 'PROXY proxy.test:{}' : 'PROXY gone.test:1'",
        echo.port(),
        proxy.port()
    );
    web.answers("/proxy.pac", page("", &script(&text)));
    let pac = Pac::url(&web.url("/proxy.pac")).unwrap();
    let trace = works(to(echo, pac)).await;
    let wanted = format!("found the routes: http://proxy.test:{}\n", proxy.port());
    assert!(trace.contains(&wanted), "{trace}");
    let url = web.url("/proxy.pac");
    let wanted = format!("finding the routes: proxy auto-config {url}\n");
    assert!(trace.contains(&wanted), "{trace}");
    let head = web.heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("get /proxy.pac http/1.1\r\n"), "{head}");
    let host = format!("host: wpad.test:{}\r\n", web.address.port());
    assert!(head.contains(&host), "{head}");
}

#[tokio::test]
async fn a_file_names_a_proxy_on_tokio() {
    a_file_names_a_proxy().await;
}

#[cfg(all(feature = "smol", feature = "blocking"))]
#[test]
fn a_file_names_a_proxy_on_smol_and_on_threads() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let (echo, proxy) = tokio.block_on(async { (echo(false).await, open_proxy().await) });
    let web = Web::start();
    let text = script(&format!("'PROXY proxy.test:{}'", proxy.port()));
    web.answers("/proxy.pac", page("", &text));
    let pac = Pac::url(&web.url("/proxy.pac")).unwrap();
    smol::block_on(works(to(echo, pac.clone())));
    wirestack::blocking::block_on(works(to(echo, pac)));
    assert_eq!(web.heads.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn one_request_serves_many_dialings_and_a_changed_file_is_seen() {
    let (echo, web) = (echo(false).await, Web::start());
    let fields = "etag: \"1\"\r\ncache-control: max-age=1\r\n";
    web.answers("/proxy.pac", page(fields, &script("'DIRECT'")));
    let mut limits = PacLimits::default();
    limits.least_age = Duration::ZERO;
    limits.most_age = Duration::from_secs(1000);
    let kept = Pac::url(&web.url("/proxy.pac")).unwrap().also_for_local();
    let none = kept.clone().limits({
        let mut limits = limits;
        limits.most_age = Duration::ZERO;
        limits
    });
    let connect = |pac: &Pac| to_with(echo, pac.clone());
    works(connect(&none)).await;
    assert!(!web.heads.lock().unwrap()[0].contains("if-none-match"));
    let unchanged = "HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n";
    web.answers("/proxy.pac", unchanged.to_owned());
    works(connect(&none)).await;
    assert!(web.heads.lock().unwrap()[1].contains("if-none-match: \"1\""));
    web.answers("/proxy.pac", page("", &script("'PROXY gone.test:1'")));
    assert!(failure(connect(&none)).await.contains("gone.test"));
    // The server fails, and the file of before is used.
    web.answers(
        "/proxy.pac",
        "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_owned(),
    );
    assert!(failure(connect(&none)).await.contains("gone.test"));
    assert_eq!(web.heads.lock().unwrap().len(), 4);
    web.answers("/proxy.pac", page("", &script("'DIRECT'")));
    works(connect(&kept)).await;
    works(connect(&kept)).await;
    assert_eq!(web.heads.lock().unwrap().len(), 5);
}

fn to_with(echo: SocketAddr, pac: Pac) -> Connect {
    connect(format!("ws://localhost:{}/chat", echo.port()))
        .resolver(Names)
        .pac(pac)
}

#[tokio::test]
async fn a_dead_proxy_of_a_list_goes_behind_the_others() {
    let (echo, proxy) = (echo(false).await, open_proxy().await);
    let dead = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let list = format!(
        "'PROXY dead.test:{}; PROXY proxy.test:{}'",
        dead.port(),
        proxy.port()
    );
    let pac = Pac::script(&script(&list)).also_for_local();
    let trace = works(to_with(echo, pac.clone())).await;
    assert!(trace.contains("could not connect to"), "{trace}");
    let trace = works(to_with(echo, pac)).await;
    let wanted = format!(
        "found the routes: http://proxy.test:{}; http://dead.test:{}\n",
        proxy.port(),
        dead.port()
    );
    assert!(trace.contains(&wanted), "{trace}");
    assert!(!trace.contains("could not connect to"), "{trace}");
}

#[tokio::test]
async fn redirects_of_the_file_are_followed_and_bounded() {
    let (echo, web) = (echo(false).await, Web::start());
    let moved =
        |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    web.answers("/1", moved("/2"));
    web.answers("/2", page("", &script("'DIRECT'")));
    web.answers("/round", moved("/round"));
    web.answers("/file", moved("file:///etc/passwd"));
    works(to(echo, Pac::url(&web.url("/1")).unwrap())).await;
    for (path, said) in [
        ("/round", "the server redirected more than 5 times"),
        (
            "/file",
            "the server redirected to file:///etc/passwd, which is not followed",
        ),
        (
            "/none",
            "the server answered 404 Not Found instead of the file",
        ),
    ] {
        let error = failure(to(echo, Pac::url(&web.url(path)).unwrap())).await;
        let wanted = format!("proxy auto-config {}: {said}", web.url(path));
        assert!(error.starts_with(&wanted), "{error}");
    }
}

#[tokio::test]
async fn a_broken_file_is_an_error_unless_the_user_says_direct() {
    let (echo, web) = (echo(false).await, Web::start());
    web.answers("/syntax", page("", "function FindProxyForURL("));
    web.answers("/throws", page("", &script("nowhere")));
    web.answers("/nonsense", page("", &script("'QUIC x:1'")));
    web.answers("/html", page("", "\n<!doctype html><title>Log in</title>"));
    web.answers("/loop", page("", "for (;;);"));
    web.answers("/long", page("", &" ".repeat(1 << 21)));
    web.answers(
        "/chunked",
        "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &" ".repeat(1 << 21),
    );
    web.answers("/junk", "no http at all\r\n\r\n".to_owned());
    let gone = || Pac::url("http://gone.test/proxy.pac").unwrap();
    let refused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = format!("http://wpad.test:{}/", refused.port());
    let at = |path: &str| Pac::url(&web.url(path)).unwrap();
    for (pac, said) in [
        (
            at("/syntax"),
            "the script threw an exception: SyntaxError in line 1",
        ),
        (
            at("/throws"),
            "ReferenceError in line 1: nowhere is not defined",
        ),
        (
            at("/nonsense"),
            "FindProxyForURL returned \"QUIC x:1\": nothing in the result",
        ),
        (at("/html"), "the file is a page of HTML and no script"),
        (
            at("/loop"),
            "the script ran for more than 2000 ms and was stopped",
        ),
        (at("/long"), "the file is longer than 1048576 bytes"),
        (at("/chunked"), "the file is longer than 1048576 bytes"),
        (at("/junk"), "the response of the server cannot be read"),
        (gone(), "could not look up the name"),
        (Pac::url(&refused).unwrap(), "could not connect"),
        (
            Pac::url("file:///no/such/file").unwrap(),
            "the file cannot be read",
        ),
        (Pac::url("file:///dev/zero").unwrap(), "not a regular file"),
    ] {
        let error = failure(to(echo, pac.clone())).await;
        assert!(error.starts_with("proxy auto-config "), "{error}");
        assert!(error.contains(said), "{error}");
        let trace = works(to(echo, pac.direct_if_broken())).await;
        assert!(
            trace.contains("note: going straight to the target: "),
            "{trace}"
        );
    }
}

#[tokio::test]
async fn files_of_this_machine_and_texts_are_read() {
    let echo = echo(false).await;
    let folder = std::env::temp_dir().join(format!("wirestack-pac-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("proxy file.pac");
    std::fs::write(&path, script("'DIRECT'")).unwrap();
    let pac = Pac::file(&path).unwrap().also_for_local();
    works(to_with(echo, pac.clone())).await;
    std::fs::write(&path, script("'PROXY gone.test:1'")).unwrap();
    assert!(failure(to_with(echo, pac)).await.contains("gone.test"));
    std::fs::remove_dir_all(&folder).unwrap();
    let data = "data:,function%20FindProxyForURL()%7Breturn%20'DIRECT'%7D";
    works(to(echo, Pac::url(data).unwrap())).await;
    let data = "data:application/x-ns-proxy-autoconfig;base64,ZnVuY3Rpb24gRmluZFByb3h5Rm9yVVJMKCkgeyByZXR1cm4gJ0RJUkVDVCcgfQ==";
    works(to(echo, Pac::url(data).unwrap())).await;
}

#[tokio::test]
async fn targets_on_this_machine_are_direct_and_a_bad_address_is_an_error() {
    let echo = echo(false).await;
    let pac = Pac::script("throw 'nobody asks'");
    let trace = works(to_with(echo, pac)).await;
    assert!(
        trace.contains("note: the script is not asked about this machine"),
        "{trace}"
    );
    let bad = connect("ws://localhost:1/").pac("ftp://wpad.test/proxy.pac");
    assert_eq!(
        failure(bad).await,
        "route: the address of the proxy auto-config file must begin with http://, https://, \
         file:/// or data:"
    );
}

#[tokio::test]
async fn a_file_is_got_over_tls_with_the_settings_of_the_dialing() {
    let (echo, plain) = (echo(false).await, Web::start());
    plain.answers("/proxy.pac", page("", &script("'DIRECT'")));
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let tls = tls::Server::new(TLS.server.clone()).unwrap();
            let mut client = Connection::from_transport(io, Engine::new(tls)).unwrap();
            let to = tokio::net::TcpStream::connect(plain.address).await.unwrap();
            tokio::spawn(async move {
                let mut to = to;
                let _ = tokio::io::copy_bidirectional(&mut client, &mut to).await;
            });
        }
    });
    let url = format!("https://localhost:{}/proxy.pac", address.port());
    works(to(echo, Pac::url(&url).unwrap())).await;
    let other = format!("https://wrong.test:{}/proxy.pac", address.port());
    let error = failure(to(echo, Pac::url(&other).unwrap())).await;
    assert!(error.contains("certificate"), "{error}");
}
