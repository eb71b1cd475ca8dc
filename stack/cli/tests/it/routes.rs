//! `wirestack probe --all-routes`, with the other options of the way.

use crate::support::{Certificate, LONG, run};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;
use wirestack::tls::rustls::{ServerConfig, ServerConnection, Stream};

#[test]
fn the_file_of_a_company_is_got_by_the_authority_of_the_company() {
    let certificate = Certificate::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = listener.local_addr().expect("its address");
    let config = certificate.config.clone();
    std::thread::spawn(move || {
        for io in listener.incoming().map_while(Result::ok) {
            send_script(io, config.clone());
        }
    });
    let pac = format!("https://localhost:{}/proxy.pac", at.port());
    let all = [
        "probe",
        "--all-routes",
        "wss://example.test/",
        "--pac",
        &pac,
    ];
    let end = run(&[&all[..], &["--cacert", &certificate.chain]].concat(), b"");
    assert!(
        end.out.contains("pac: http://p.test:1"),
        "{}{}",
        end.out,
        end.err
    );
    let end = run(&all, b"");
    assert!(end.out.contains("pac: none: "), "{}{}", end.out, end.err);
}

#[test]
fn a_silent_server_of_the_file_is_given_up_in_the_time_to_connect() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let pac = format!(
        "http://{}/proxy.pac",
        silent.local_addr().expect("its address")
    );
    let began = Instant::now();
    let end = run(
        &[
            "probe",
            "--all-routes",
            "wss://example.test/",
            "--pac",
            &pac,
            "--connect-timeout",
            "0.2",
        ],
        b"",
    );
    assert!(began.elapsed() < LONG / 5, "{:?}", began.elapsed());
    assert!(
        end.out.contains("timed out after 200 ms"),
        "{}{}",
        end.out,
        end.err
    );
}

fn send_script(mut io: TcpStream, config: Arc<ServerConfig>) {
    let script = "function FindProxyForURL() { return 'PROXY p.test:1' }";
    let length = script.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{script}");
    let mut tls = ServerConnection::new(config).expect("a server");
    let mut io = Stream::new(&mut tls, &mut io);
    // A client that does not trust it leaves.
    if io.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {
        let _ = io.write_all(answer.as_bytes());
    }
}
