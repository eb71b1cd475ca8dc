//! Requests with an `http` URI over HTTP/2, which are forwarded over HTTP/1.1.

use super::forwarding::{next, web};
use super::{Running, users};
use crate::support::{TIMEOUT, listen};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wirestack::http;
use wirestack::{AccessPolicy, ForwardProxy, ProxyProtocol};

type Sender = SendRequest<Full<Bytes>>;

async fn client(proxy: SocketAddr) -> Sender {
    let io = TokioIo::new(TcpStream::connect(proxy).await.unwrap());
    let connecting = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (sender, connection) = connecting.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, uri: &str, content: &'static str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header("proxy-authorization", "Basic YWRhOnNlY3JldA=="); // ada:secret
    let request = request.header("cookie", "a=1").header("cookie", "b=2");
    request.body(Full::from(content)).unwrap()
}

async fn answer(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
) -> (http::response::Parts, Bytes) {
    let answering = async {
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    };
    timeout(TIMEOUT, answering)
        .await
        .expect("an answer in time")
}

/// A web server that sends the content of each request back.
async fn echo() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let service = service_fn(async |request: Request<Incoming>| {
                Ok::<_, Infallible>(http::Response::new(request.into_body()))
            });
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(io), service));
        }
    });
    address
}

#[tokio::test]
async fn a_request_over_http2_is_forwarded_and_answered_with_its_content() {
    let (server, mut requests) =
        web("HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nContent-Length: 3\r\n\r\nyes")
            .await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()).users(users()));
    let mut sender = client(running.address).await;
    for (method, content, framing) in [("GET", "", ""), ("POST", "hello", "content-length: 5\r\n")]
    {
        let request = request(method, &format!("http://{server}/a?b"), content);
        let (head, body) = answer(&mut sender, request).await;
        assert_eq!((head.status, &body[..]), (StatusCode::OK, &b"yes"[..]));
        assert_eq!(head.headers["via"], "1.1 wirestack");
        assert_eq!(head.headers["content-length"], "3");
        assert!(!head.headers.contains_key("x-hop") && !head.headers.contains_key("connection"));
        let seen = next(&mut requests).await;
        let wanted = format!(
            "{method} /a?b HTTP/1.1\r\ncookie: a=1; b=2\r\nhost: {server}\r\nvia: 2 wirestack\r\nconnection: close\r\n{framing}\r\n"
        );
        assert!(seen.starts_with(&wanted), "{seen}");
        assert_eq!(seen.contains("hello"), method == "POST", "{seen}");
        let record = running.record().await;
        assert_eq!(record.protocol, Some(ProxyProtocol::Http2));
        assert_eq!((record.status, record.received), (Some(200), 3), "{record}");
        assert_eq!(
            (record.sent, record.error.as_deref()),
            (content.len() as u64, None)
        );
        assert_eq!(record.user.as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn large_contents_go_both_ways_over_many_streams_at_once() {
    let server = echo().await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let sender = client(running.address).await;
    let content: Bytes = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let many = (0..8).map(|_| {
        let (mut sender, content) = (sender.clone(), content.clone());
        tokio::spawn(async move {
            let request = Request::post(format!("http://{server}/"));
            let request = request.body(Full::from(content.clone())).unwrap();
            let (head, body) = answer(&mut sender, request).await;
            assert_eq!(head.status, StatusCode::OK);
            assert!(body == content, "{} bytes", body.len());
        })
    });
    for each in many.collect::<Vec<_>>() {
        each.await.unwrap();
        let record = running.record().await;
        assert_eq!((record.sent, record.received), (3_000_000, 3_000_000));
        assert_eq!(record.error, None);
    }
}

#[tokio::test]
async fn a_content_that_nobody_reads_holds_up_its_sender() {
    let (listener, server) = listen().await;
    let running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let io = TokioIo::new(TcpStream::connect(running.address).await.unwrap());
    let connecting = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut sender, connection) = connecting.await.unwrap();
    tokio::spawn(connection);
    let (send, mut chunks) = tokio::sync::mpsc::channel::<Bytes>(1);
    let content = StreamBody::new(futures_util::stream::poll_fn(move |cx| {
        chunks
            .poll_recv(cx)
            .map(|chunk| chunk.map(|data| Ok::<_, Infallible>(Frame::data(data))))
    }));
    let request = Request::post(format!("http://{server}/"))
        .body(content)
        .unwrap();
    tokio::spawn(async move { sender.send_request(request).await });
    let (mut held, _) = listener.accept().await.unwrap();
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    let mut sent = 0;
    // Windows, pipes and socket buffers hold a few MiB; what is beyond waits at the client.
    while let Ok(Ok(())) =
        timeout(std::time::Duration::from_secs(1), send.send(chunk.clone())).await
    {
        sent += chunk.len();
        assert!(sent < 64 << 20, "nothing holds the sender up");
    }
    drop(send);
    let mut bytes = Vec::new();
    let reading = async {
        while !bytes.ends_with(b"\r\n0\r\n\r\n") {
            assert_ne!(held.read_buf(&mut bytes).await.unwrap(), 0);
        }
        held.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
    };
    timeout(TIMEOUT, reading).await.unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == 7).count(), sent);
}

#[tokio::test]
async fn heads_without_content_keep_their_length_and_get_no_content() {
    for (method, server_says, status, length) in [
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            200,
            Some("9"),
        ),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, None),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            304,
            Some("9"),
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            200,
            None,
        ),
    ] {
        let (server, _requests) = web(server_says).await;
        let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
        let mut sender = client(running.address).await;
        let (head, body) = answer(
            &mut sender,
            request(method, &format!("http://{server}/"), ""),
        )
        .await;
        assert_eq!(
            (head.status.as_u16(), body.len()),
            (status, 0),
            "{server_says}"
        );
        let shown = head
            .headers
            .get("content-length")
            .map(|it| it.to_str().unwrap());
        assert!(
            shown == length || shown == Some("0"),
            "{server_says}: {shown:?}"
        );
        assert_eq!(running.record().await.error, None, "{server_says}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_resets_its_stream_and_no_other() {
    let (server, _requests) =
        web("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: close\r\n\r\nyes").await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let mut sender = client(running.address).await;
    for _ in 0..2 {
        let request = request("GET", &format!("http://{server}/"), "");
        let response = timeout(TIMEOUT, sender.send_request(request))
            .await
            .unwrap();
        let (head, body) = response.unwrap().into_parts();
        assert_eq!(head.headers["content-length"], "9");
        let collected = timeout(TIMEOUT, body.collect()).await.unwrap();
        assert!(collected.is_err(), "a part was taken for the whole");
        let record = running.record().await;
        assert!(record.error.is_some(), "{record}");
    }
}

#[tokio::test]
async fn a_client_that_resets_its_stream_ends_the_connection_to_the_server() {
    for answers in [false, true] {
        let (listener, server) = listen().await;
        let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
        let mut sender = client(running.address).await;
        let request = request("GET", &format!("http://{server}/"), "");
        let asking = tokio::spawn(async move { (sender.send_request(request).await, sender) });
        let (mut io, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert_ne!(io.read_buf(&mut bytes).await.unwrap(), 0);
        }
        if answers {
            io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nyes")
                .await
                .unwrap();
            let (response, _sender) = asking.await.unwrap();
            let mut body = response.unwrap().into_body();
            assert_eq!(
                body.frame().await.unwrap().unwrap().into_data().unwrap(),
                "yes"
            );
            drop(body);
            timeout(TIMEOUT, io.read_buf(&mut bytes))
                .await
                .unwrap()
                .unwrap_or(0);
        } else {
            asking.abort();
            timeout(TIMEOUT, io.read_buf(&mut bytes))
                .await
                .unwrap()
                .unwrap_or(0);
        }
        let record = running.record().await;
        assert_eq!(
            record.error.as_deref(),
            Some("the connection was cut"),
            "{record}"
        );
    }
}

#[tokio::test]
async fn what_is_not_forwarded_over_http2_has_its_status() {
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()).users(users()));
    let mut sender = client(running.address).await;
    for (method, uri, status) in [
        (Method::GET, "https://127.0.0.1/", 501),
        (Method::TRACE, "http://127.0.0.1/", 405),
        (Method::GET, "http://192.0.2.1/", 403),
        (Method::HEAD, "http://192.0.2.1/", 403),
    ] {
        let (head, body) = answer(&mut sender, request(method.as_str(), uri, "")).await;
        assert_eq!(head.status.as_u16(), status, "{uri}");
        assert_eq!(body.is_empty(), method == Method::HEAD, "{uri}");
        assert_eq!(running.record().await.status, Some(status), "{uri}");
    }
    let mut stranger = request("POST", "http://127.0.0.1/", "hello");
    stranger.headers_mut().remove("proxy-authorization");
    let (head, _) = answer(&mut sender, stranger).await;
    assert_eq!(head.status, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert_eq!(
        head.headers["proxy-authenticate"],
        "Basic realm=\"proxy\", charset=\"UTF-8\""
    );
}

#[tokio::test]
async fn rfc9113_8_3_1_options_for_a_whole_server_reach_it_but_no_other_proxy() {
    let (server, mut requests) = web("HTTP/1.1 204 No Content\r\n\r\n").await;
    let next_proxy = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let direct = ForwardProxy::new(AccessPolicy::loopback());
    let through = |scheme| {
        direct
            .clone()
            .via(format!("{scheme}://{}", next_proxy.address))
    };
    for (proxy, status) in [
        (direct.clone(), StatusCode::NO_CONTENT),
        (through("socks5h"), StatusCode::NO_CONTENT),
        (through("http"), StatusCode::NOT_IMPLEMENTED),
    ] {
        let running = Running::new(proxy);
        let mut sender = client(running.address).await;
        let mut request = request("OPTIONS", "/", "");
        *request.uri_mut() = http::Uri::builder()
            .scheme("http")
            .authority(server.to_string())
            .path_and_query("*")
            .build()
            .unwrap();
        let (head, body) = answer(&mut sender, request).await;
        assert_eq!(head.status, status, "{body:?}");
        if status == StatusCode::NO_CONTENT {
            let seen = next(&mut requests).await;
            assert!(seen.starts_with("OPTIONS * HTTP/1.1\r\n"), "{seen}");
        }
    }
}

/// "A proxy MUST forward 1xx responses" (RFC 9110 §15.2), and a client that expects 100 waits for it. A
/// server that sends no end of them is cut short.
#[tokio::test]
async fn must_9110_15_2_interim_responses_are_passed_on_up_to_a_number() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(io.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.contains("expect: 100-continue"), "{head}");
        let hints =
            "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n";
        for _ in 0..40 {
            io.write_all(hints.as_bytes()).await.unwrap();
        }
        for _ in 0..3 {
            io.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .unwrap();
        }
        let mut content = Vec::new();
        while !content.ends_with(b"0\r\n\r\n") {
            content.push(io.read_u8().await.unwrap());
        }
        assert_eq!(content, b"7\r\ncontent\r\n0\r\n\r\n");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        io.write_all(answer).await.unwrap();
    });
    let running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let io = TcpStream::connect(running.address).await.unwrap();
    let (sender, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("http://{address}/")).header("expect", "100-continue");
    let mut sender = sender.ready().await.unwrap();
    let sent = sender.send_request(request.body(()).unwrap(), false);
    let (mut answer, mut content) = sent.unwrap();
    let exchange = async {
        let mut statuses = Vec::new();
        loop {
            let interim = poll_fn(|cx| answer.poll_informational(cx)).await;
            let interim = interim.expect("an interim response").unwrap();
            statuses.push(interim.status().as_u16());
            assert!(!interim.headers().contains_key("x-hop"));
            if interim.status() == StatusCode::CONTINUE {
                break;
            }
            assert_eq!(interim.headers()["link"], "</a.css>");
        }
        let content_sent = content.send_data(Bytes::from_static(b"content"), true);
        content_sent.unwrap();
        (statuses, answer.await.unwrap().status())
    };
    let (statuses, status) = timeout(TIMEOUT, exchange).await.expect("an answer in time");
    assert_eq!(statuses, [&[103; 16][..], &[100]].concat());
    assert_eq!(status, StatusCode::OK);
}
