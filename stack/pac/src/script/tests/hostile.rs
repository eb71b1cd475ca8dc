//! Scripts that take time, memory or stack without end.

use super::*;

#[test]
fn endless_scripts_are_stopped() {
    let time = PacError::Time(Duration::from_millis(200));
    for body in [
        "while (true);",
        "for (;;) for (;;) for (;;);",
        "for (;;) { try { for (;;); } catch (e) {} finally { continue } }",
        "(function f() { try { f() } finally { f() } })()",
        "/^(a+)+$/.exec('a'.repeat(40) + 'b')",
        "/(x+x+)+y/.test('x'.repeat(100))",
        "shExpMatch('a'.repeat(60), '(a*)*(a*)*(a*)*b')",
        "return { toString() { for (;;); } } + ''",
        "[1, 2].sort(() => { for (;;); })",
        "const s = 'a'.repeat(1e6); for (;;) s.indexOf('ab')",
        "const s = 'a'.repeat(1e6); for (;;) s.toUpperCase()",
        "for (;;) { try { 'a'.repeat(1e6).indexOf('b') } catch (e) {} }",
        "const s = '1+'.repeat(1e5) + '1'; for (;;) eval(s)",
        "const s = '1+'.repeat(1e5) + '1'; for (;;) (function* () {}).constructor(s)",
        "const s = 'a'.repeat(1e5); for (;;) new RegExp(s)",
        "const s = JSON.stringify('a'.repeat(1e6)); for (;;) JSON.parse(s)",
        "function* f() { for (;;) yield 1 } for (const x of f());",
        "new Set((function* () { for (;;) yield 1 })())",
        "for (;;) isPlainHostName('a'.repeat(60000))",
        "for (;;) glob = shExpMatch('a'.repeat(1000), '*a'.repeat(500) + 'b')",
    ] {
        assert_eq!(error(&in_function(body)), time, "{body}");
    }
    assert_eq!(error("for (;;);"), time); // before the function is called
}

#[test]
fn one_call_of_the_language_that_takes_long_is_refused() {
    for body in [
        "new Array(4294967295).reverse()",
        "Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 1, 2 ** 53 - 2)",
        "Array.prototype.join.call({ length: 2 ** 53 - 1 }, '')",
        "Array.prototype.sort.call({ length: 4e9 })",
        "'a'.repeat(1e6).indexOf('a'.repeat(5e5) + 'b')",
        "'a'.repeat(1e6).split('a'.repeat(5e5) + 'b')",
        "'a'.repeat(1e6).replaceAll('a'.repeat(5e5) + 'b', '')",
        "String.prototype.indexOf.call({ toString: () => 'a'.repeat(1e6) }, { toString: () => 'a'.repeat(5e5) + 'b' })",
        "'a'.repeat(1e6).normalize()",
        "Array.prototype.indexOf.call({ get length() { return 2 ** 53 - 1 } }, 1)",
        "Array.prototype.shift.call({ __proto__: { length: 2 ** 53 - 1 } })",
        "new Set(new Array(4294967295))",
        "let a = []; const i = a.values(); a.length = 4294967295; i.drop(4e9).next()",
        "new Set().union({ size: 1, has() {}, keys: () => new Array(4294967295).values() })",
    ] {
        let error = error(&in_function(&format!("{body}; return 'DIRECT'")));
        assert!(
            matches!(error, PacError::Threw(_) | PacError::Time(_)),
            "{body}: {error}"
        );
    }
}

#[test]
fn scripts_that_take_memory_are_stopped() {
    for body in [
        "const a = []; for (;;) a.push('x'.repeat(10000) + a.length)",
        "let s = 'x'; for (;;) s += s",
        "return 'x'.repeat(2 ** 29)",
        "new Array(4e7).fill('x').map((x) => [x])",
        "let o = {}; for (let n = 0; ; n++) o[n] = { o }",
        "return [...new Array(4294967295)]",
        "return Array.from({ length: 2 ** 53 - 1 })",
        "function f(n) { return n ? [f(n - 1), 'x'.repeat(1e6) + n] : 1 } f(100)",
        "const a = []; for (;;) { try { for (;;) a.push({}) } catch (e) {} }",
        "let a = {}; for (;;) { try { for (;;) a = { a } } catch (e) {} }",
    ] {
        let error = error(&in_function(&format!("{body}; return 'DIRECT'")));
        let is_stopped = matches!(error, PacError::Memory(_) | PacError::Time(_));
        let said = error.to_string();
        let is_length = said.contains("nvalid array length")
            || said.contains("string too long")
            || said.contains("no memory")
            || said.contains("would take too long");
        assert!(is_stopped || is_length, "{body}: {error}");
    }
}

#[test]
fn deep_recursion_is_stopped() {
    for script in [
        in_function("return (function f() { return f() + 1 })()"),
        in_function("return FindProxyForURL(url, host)"),
        in_function("return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('')"),
        in_function("return eval('['.repeat(1e5) + ']'.repeat(1e5))"),
        in_function("return JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))"),
        in_function("let a = []; for (let n = 0; n < 1e4; n++) a = [a]; return '' + a"),
        in_function(
            "let a = []; for (let n = 0; n < 1e4; n++) a = [a]; return JSON.stringify(a) + a.flat(Infinity)",
        ),
        "[".repeat(200_000),
    ] {
        let error = error(&script);
        let shown = script.chars().take(80).collect::<String>();
        let is_wanted = matches!(&error, PacError::Threw(_) | PacError::Memory(_));
        assert!(is_wanted, "{shown}: {error}");
    }
}
