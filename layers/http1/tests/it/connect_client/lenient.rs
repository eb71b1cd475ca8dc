//! A lenient client, which takes heads that are not quite as the grammar has them.

use crate::kit::{Then, proxy_client, run};

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
