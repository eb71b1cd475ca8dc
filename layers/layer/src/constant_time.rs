use core::hint::black_box;

/// Compares two secrets in a time that depends on their lengths alone, never on their bytes.
///
/// `==` ends at the first byte that differs, so its time tells a guesser how much of a password is
/// right. Combine two comparisons by `&`, which always does both, and not by `&&`:
///
/// ```
/// use wirestack_layer::constant_time_eq;
///
/// let is_known = |user: &[u8], password: &[u8]| {
///     constant_time_eq(user, b"me") & constant_time_eq(password, b"secret")
/// };
/// assert!(is_known(b"me", b"secret"));
/// assert!(!is_known(b"me", b"secret2") && !is_known(b"you", b"secret"));
/// ```
#[must_use]
#[inline(never)]
pub fn constant_time_eq(shown: &[u8], wanted: &[u8]) -> bool {
    let mut differing = 0;
    for (shown, wanted) in shown.iter().zip(wanted) {
        // Without the box the compiler may see that the result is known, and end the loop.
        differing = black_box(differing | (shown ^ wanted));
    }
    (shown.len() == wanted.len()) & (differing == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_bytes_are_equal() {
        let secrets: [&[u8]; 7] = [b"", b"a", b"b", b"ab", b"ba", b"\0", b"ab\0"];
        for (n, one) in secrets.iter().enumerate() {
            for (m, other) in secrets.iter().enumerate() {
                assert_eq!(constant_time_eq(one, other), n == m, "{one:?} {other:?}");
            }
        }
        let long = [7; 300];
        for at in 0..long.len() {
            for bit in 0..8 {
                let mut other = long;
                other[at] ^= 1 << bit;
                assert!(!constant_time_eq(&long, &other), "byte {at}, bit {bit}");
            }
        }
    }
}
