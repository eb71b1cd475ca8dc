//! Upgrade: accepted and refused.

use super::Case;
use http::{HeaderMap, Request, Response};
use wirestack_http1::upgrade::{Client, Server};
use wirestack_laws::Subject;
use wirestack_layer::LayerExt;

pub(crate) const CASES: u8 = 2;

pub(crate) fn case(number: u8) -> Case {
    let client = || {
        let request = Request::get("http://example.org/chat").body(()).unwrap();
        Client::new("toy", request).unwrap()
    };
    let subject = Subject::tunnel(format!("upgrade {number}"), client, Server::new)
        .same_bytes()
        .memory(64 << 10)
        .deciding(move |layer| {
            let server = layer.part_mut::<Server>();
            let Some(server) = server.filter(|server| server.request().is_some()) else {
                return false;
            };
            if number == 0 {
                server.accept("toy", &HeaderMap::new());
            } else {
                let response = Response::builder().status(426).header("upgrade", "toy");
                server.reject(response.body("not for you".into()).unwrap());
            }
            true
        });
    Case::bytes(if number == 1 {
        subject.refused()
    } else {
        subject
    })
}
