//! A lenient client, which takes heads that are not quite as the grammar has them.

use crate::kit::{Bench, Then, proxy_client, run};
use wirestack_layer::Layer;

/// A parser that lets blanks stand before the first field ends the head at a line of blanks.
#[test]
fn pitfall_64_a_line_of_blanks_ends_no_head_however_it_is_cut() {
    let lenient = || proxy_client().lenient();
    for line in [" ", "\t", "no field\r\n "] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\nA: b\r\n\r\n");
        let seen = run(line, bytes.as_bytes(), Then::StaysOpen, lenient, |_| {});
        assert_eq!(
            (&*seen.app, &*seen.app_end),
            (
                "",
                "connect[0]: not an HTTP/1 head: it does not end where its lines do"
            ),
            "{line:?}"
        );
    }
}

#[test]
fn a_reason_phrase_is_what_stands_behind_the_status_whatever_the_blanks_between() {
    for (line, facts) in [
        ("HTTP/1.1 200 OK", "200 OK"),
        ("HTTP/1.1  200  OK", "200 OK"),
        ("HTTP/1.1    201    All  is well ", "201 All  is well"),
        ("HTTP/1.1   204", "204 No Content"),
    ] {
        let mut bench = Bench::new(proxy_client().lenient());
        bench.receive(format!("{line}\r\n\r\n").as_bytes());
        assert_eq!(bench.layer.status().facts.to_string(), facts, "{line}");
    }
}
