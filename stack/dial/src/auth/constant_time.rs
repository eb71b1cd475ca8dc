/// Compares two secrets in a time that depends on their lengths alone.
#[inline(never)]
pub(crate) fn eq(a: &str, b: &str) -> bool {
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differing == 0
}
