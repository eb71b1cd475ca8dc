//! SOCKS: every version and command, accepted and refused.

use super::Case;
use wirestack_laws::Subject;
use wirestack_layer::LayerExt;
use wirestack_socks::{Address, Client, Command, Reply, Server};

pub(crate) const CASES: u8 = 11;

pub(crate) fn case(number: u8) -> Case {
    let client = move || {
        let target = Address::new("example.org", 443).unwrap();
        let address = Address::new("192.0.2.7", 443).unwrap();
        match number {
            0 => Client::new(target),
            1 => Client::new(target).with_password("user", "secret").unwrap(),
            2 => Client::bind(address),
            3 => Client::associate(Address::new("::", 0).unwrap()),
            4 => Client::new(target).socks4("me").unwrap(),
            5 => Client::new(address).socks4("me").unwrap(),
            6 => Client::bind(address).socks4("me").unwrap(),
            7 => Client::new(target).with_password("user", "wrong").unwrap(),
            8 => Client::new(target).socks4("stranger").unwrap(),
            9 => Client::new(target),
            _ => Client::bind(address),
        }
    };
    let server = move || {
        let server = match number {
            0 => Server::new(),
            1 | 7 => {
                Server::with_password(|user, password| (user, password) == (b"user", b"secret"))
            }
            _ => Server::new().with_socks4(|user| user == b"me"),
        };
        server.serving(Command::Bind).serving(Command::UdpAssociate)
    };
    let subject = Subject::tunnel(format!("socks {number}"), client, server)
        .same_bytes()
        .memory(1024)
        .deciding(move |layer| match layer.part_mut::<Server>() {
            Some(server) => decide(server, number),
            None => false,
        });
    Case::bytes(if number > 6 {
        subject.refused()
    } else {
        subject
    })
}

fn decide(server: &mut Server, number: u8) -> bool {
    let bound = Address::new("192.0.2.1", 40000).unwrap();
    if server.request().is_some() {
        match number {
            9 => server.reject(Reply::NotAllowed),
            _ => server.accept(bound),
        }
    } else if server.listening().is_some() {
        match number {
            10 => server.reject(Reply::TtlExpired),
            _ => server.connected(bound),
        }
    } else {
        return false;
    }
    true
}
