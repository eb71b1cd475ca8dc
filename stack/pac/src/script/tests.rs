//! Scripts of companies, and scripts of enemies.

use super::*;
use std::time::Duration;

/// The clock of these tests is the real one: a script that does not end must not make a test endless.
#[allow(clippy::disallowed_methods)]
fn clock() -> Instant {
    Instant::now()
}

fn world() -> World {
    World {
        unix_ms: 1_795_822_215_000.0, // Friday, 27 November 2026, 23:30:15 UTC
        addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
        names: HashMap::from([
            (
                "www.corp.test".to_owned(),
                vec!["2001:db8::1".parse().unwrap(), "10.1.2.3".parse().unwrap()],
            ),
            ("gone.test".to_owned(), Vec::new()),
        ]),
        clock,
    }
}

fn question() -> Question {
    Question {
        url: "wss://www.corp.test/".to_owned(),
        host: "www.corp.test".to_owned(),
    }
}

fn run_with(script: &str, limits: &PacLimits) -> Run {
    run(script, &question(), &world(), limits)
}

fn result(script: &str) -> Result<Answer, PacError> {
    run_with(script, &PacLimits::default()).result
}

/// Returns the value of an expression, as a text.
fn value(expression: &str) -> String {
    let script = format!("function FindProxyForURL(url, host) {{ return '' + ({expression}) }}");
    match result(&script) {
        Ok(Answer::Text(text)) => text,
        other => panic!("{expression}: {other:?}"),
    }
}

/// Returns the error of a script that is given little time.
fn error(script: &str) -> PacError {
    let limits = PacLimits {
        time: Duration::from_millis(200),
        ..PacLimits::default()
    };
    let started = clock();
    let run = run_with(script, &limits);
    let took = clock().saturating_duration_since(started);
    assert!(took < Duration::from_secs(20), "{script}: {took:?}");
    match run.result {
        Err(error) => error,
        Ok(answer) => panic!("{script}: {answer:?}"),
    }
}

fn in_function(body: &str) -> String {
    format!("function FindProxyForURL(url, host) {{ {body} }}")
}

#[test]
fn the_function_gets_the_url_and_the_host_and_its_text_is_the_result() {
    let script = in_function("return 'PROXY ' + url + ' ' + host");
    let wanted = "PROXY wss://www.corp.test/ www.corp.test".to_owned();
    assert_eq!(result(&script), Ok(Answer::Text(wanted)));
    // One that knows IPv6 goes first, and a function need not be a property of the global object.
    for script in [
        "var FindProxyForURLEx = () => 'ex'; function FindProxyForURL() { return 'old' }",
        "const FindProxyForURL = () => 'ex'",
        "x = 1; FindProxyForURL = function () { y = 2; return 'ex' }",
    ] {
        assert_eq!(
            result(script),
            Ok(Answer::Text("ex".to_owned())),
            "{script}"
        );
    }
}

#[test]
fn each_function_of_proxy_auto_config_is_there() {
    for (expression, wanted) in [
        ("isPlainHostName('www')", "true"),
        ("isPlainHostName(host)", "false"),
        ("dnsDomainIs(host, '.corp.test')", "true"),
        ("localHostOrDomainIs('www', 'www.corp.test')", "true"),
        ("isResolvable(host)", "true"),
        ("isResolvable('gone.test')", "false"),
        ("isInNet(host, '10.0.0.0', '255.0.0.0')", "true"),
        ("isInNet('10.1.1.1', '11.0.0.0', '255.0.0.0')", "false"),
        ("isInNet('gone.test', '0.0.0.0', '0.0.0.0')", "false"),
        ("dnsResolve(host)", "10.1.2.3"),
        ("dnsResolve('WWW.Corp.Test.')", "10.1.2.3"),
        ("dnsResolve('gone.test')", "null"),
        ("dnsResolve('1.2.3.4')", "1.2.3.4"),
        ("dnsResolve('::1')", "null"),
        ("dnsResolve('no host')", "null"),
        ("dnsResolve('')", "null"),
        ("convert_addr('104.16.41.2')", "1745889538"),
        ("myIpAddress()", "192.0.2.7"),
        ("dnsDomainLevels(host)", "2"),
        ("shExpMatch(host, '*.corp.*')", "true"),
        ("shExpMatch(host, '(www|mail).corp.test')", "true"),
        ("shExpMatch(host, '[wx]ww.corp.test')", "true"),
        ("shExpMatch('a.b', 'a?b')", "true"),
        ("shExpMatch('axb', 'a.b')", "false"),
        ("weekdayRange('FRI', 'GMT')", "true"),
        ("weekdayRange('MON', 'THU', 'GMT')", "false"),
        ("dateRange(27, 'NOV', 2026, 27, 'NOV', 2026, 'GMT')", "true"),
        ("dateRange('DEC', 'GMT')", "false"),
        ("timeRange(20, 6, 'GMT')", "true"),
        ("timeRange(9, 17, 'GMT')", "false"),
        ("alert('x')", "undefined"),
        ("isResolvableEx(host)", "true"),
        ("isInNetEx('2001:db8::1', '2001:db8::/32')", "true"),
        ("dnsResolveEx(host)", "2001:db8::1;10.1.2.3"),
        ("dnsResolveEx('gone.test')", ""),
        ("myIpAddressEx()", "192.0.2.7;2001:db8::7"),
        (
            "sortIpAddressList('10.0.0.2;::1;10.0.0.1')",
            "::1;10.0.0.1;10.0.0.2",
        ),
        ("sortIpAddressList('x')", "false"),
        ("getClientVersion()", "1.0"),
        ("new Date().getTime()", "1795822215000"),
        ("Date.now()", "1795822215000"),
        ("new Date(0).getTime() + Date.UTC(1970, 0, 2)", "86400000"),
        ("new Date() instanceof Date", "true"),
        ("new Set([1, 2, 2]).size + new Map([[1, 2]]).get(1)", "4"),
        (
            "/a(b)/.exec('ab')[1] + 'a-b'.split(/-/).length + RegExp('b').test('b')",
            "b2true",
        ),
        (
            "'aXbX'.replace(/X/g, '') + 'a.b'.replace('.', '') + 'ab'.indexOf('b')",
            "abab1",
        ),
        (
            "[3, 1, 2].sort().join() + [10, 9].sort((a, b) => a - b)",
            "1,2,39,10",
        ),
        (
            "Array.prototype.slice.call((function () { return arguments })(1, 2)).length",
            "2",
        ),
        ("eval('1 + 1') + Function('return 3')()", "5"),
        ("JSON.parse('[1]')[0] + JSON.stringify([1])", "1[1]"),
        (
            "typeof BigInt + typeof Proxy + typeof Promise",
            "undefinedundefinedundefined",
        ),
    ] {
        assert_eq!(value(expression), wanted, "{expression}");
    }
}

#[test]
fn a_name_that_is_not_known_is_asked_for_although_the_script_catches_what_is_thrown() {
    let wanted = Ok(Answer::Name("a.test".to_owned()));
    for body in [
        "return dnsResolve('A.test')",
        "return isResolvableEx('a.test') ? 'DIRECT' : 'PROXY x:1'",
        "try { isInNet('a.test', '1.1.1.1', '1.1.1.1') } catch (e) {} return dnsResolve('b.test')",
        "try { dnsResolve('a.test') } catch { return 'DIRECT' }",
    ] {
        assert_eq!(result(&in_function(body)), wanted, "{body}");
    }
}

#[test]
fn messages_of_alert_are_kept_and_bounded() {
    let body = "for (let n = 0; n < 1000; n++) alert('x'.repeat(1000)); return 'DIRECT'";
    let run = run_with(&in_function(body), &PacLimits::default());
    assert_eq!(run.alerts.len(), 10);
    assert_eq!(run.alerts[0].len(), 200);
}

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

#[test]
fn a_script_cannot_change_what_the_functions_of_proxy_auto_config_do() {
    let tricks = "
        String.prototype.indexOf = String.prototype.replaceAll = String.prototype.split = () => { throw 1 };
        String.prototype.toWellFormed = () => 'evil'; Object.prototype.trim = 1; Object.prototype[0] = 'evil';
        RegExp.prototype.exec = RegExp.prototype.test = () => null;
        Array.prototype[Symbol.iterator] = () => { throw 2 }; Array.prototype.push = () => { throw 3 };
        Date.prototype.getDay = () => 0; Date = null; RegExp = null; String = null;
        Object.defineProperty(Array.prototype, 0, { set() { throw 4 }, get() { return 'evil' } });
        Function.prototype.call = Function.prototype.apply = () => { throw 5 };
        Reflect.apply = Reflect.construct = () => { throw 6 }; Object = null; Array = null; TypeError = null;
        globalThis.isInNet2 = isInNet;";
    let body = "return '' + isInNet2('10.1.1.1', '10.0.0.0', '255.0.0.0') + shExpMatch('ab', '(a|b)*') \
                + shExpMatch('ab', 'a*') + weekdayRange('FRI', 'GMT') + dnsResolve(host)";
    let script = format!("{tricks}{}", in_function(body));
    assert_eq!(
        result(&script),
        Ok(Answer::Text("truetruetruetrue10.1.2.3".to_owned()))
    );
}

#[test]
fn results_that_are_no_text_are_errors() {
    for (body, kind) in [
        ("", "nothing"),
        ("return null", "null"),
        ("return true", "a boolean"),
        ("return 1", "a number"),
        ("return ['DIRECT']", "an array"),
        ("return { toString: () => 'DIRECT' }", "an object"),
        ("return () => 'DIRECT'", "a function"),
        ("return new String('DIRECT')", "an object"),
        ("return Symbol('DIRECT')", "an object"),
    ] {
        assert_eq!(error(&in_function(body)), PacError::NoText(kind), "{body}");
    }
    let long = in_function("return 'x'.repeat(8193)");
    assert_eq!(error(&long), PacError::LongResult(8192));
    for body in [
        "return new Proxy({}, {})",
        "return Promise.resolve('DIRECT')",
    ] {
        assert!(
            matches!(error(&in_function(body)), PacError::Threw(_)),
            "{body}"
        );
    }
    for script in [
        "async function FindProxyForURL() { return 'DIRECT' }",
        "async function* FindProxyForURL() { yield 'DIRECT' }",
        "function* FindProxyForURL() { yield 'DIRECT' }",
        "async function FindProxyForURL() { await 1; return 'DIRECT' }",
        "class FindProxyForURL {}",
    ] {
        let error = error(script);
        assert!(
            matches!(error, PacError::NoText(_) | PacError::Threw(_)),
            "{script}: {error}"
        );
    }
    assert_eq!(error("var x = 1"), PacError::NoFunction);
    assert_eq!(error("FindProxyForURL = 'DIRECT'"), PacError::NoFunction);
}

#[test]
fn exceptions_are_told_in_one_line_and_no_code_of_the_script_runs_for_that() {
    for (script, told) in [
        (in_function("throw 'no way'"), "no way"),
        (in_function("throw Symbol('x')"), "a symbol"),
        (in_function("throw null"), "null"),
        (in_function("throw undefined"), "undefined"),
        (in_function("throw 1"), "1"),
        (
            in_function("\n throw new TypeError('bad\\u001b[31m\\n')"),
            r"TypeError in line 2: bad\u{1b}[31m\n",
        ),
        (
            in_function("return nowhere"),
            "ReferenceError in line 1: nowhere is not defined",
        ),
        ("\n\nfunction (".to_owned(), "SyntaxError in line 3"),
        (
            in_function("throw { get message() { for (;;); }, toString() { for (;;); } }"),
            "an object",
        ),
        (
            in_function(
                "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { for (;;); } }); throw e",
            ),
            "Error",
        ),
    ] {
        let error = error(&script);
        let said = error.to_string();
        assert!(said.contains(told), "{script}: {said}");
        assert!(!said.contains('\n'), "{script}: {said}");
    }
}

#[test]
fn little_memory_at_any_place_ends_in_an_error_and_nothing_else() {
    let script = in_function(
        "return shExpMatch(url, '(a|b)*') + dnsResolve(host) + new Date() + [1].sort()",
    );
    for memory in (0..100).map(|n| n * 4096) {
        let limits = PacLimits {
            memory,
            ..PacLimits::default()
        };
        match run_with(&script, &limits).result {
            Ok(Answer::Text(_)) | Err(PacError::Memory(_) | PacError::Threw(_)) => {}
            other => panic!("{memory}: {other:?}"),
        }
    }
}

#[test]
fn a_script_that_leaves_a_little_memory_free_and_goes_on_ends_in_a_result_or_an_error() {
    let mut seed = 0x1234_5678_9abc_def1_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let rest = [
        "shExpMatch(url, '(a|b)*x{1,9}')",
        "new Date() + [3, 1, 2].sort().join() + new Map([[1, { a: [] }]]).size",
        "eval('(function* () { yield* [1, 2] })().next().value')",
        "[...'abc'].map((c) => ({ c })).flat().length",
        "(async function () { await 1 })() + class A { #b = 1; c() { return this.#b } }",
        "JSON.stringify({ a: [1, { b: 2 }] }) + /(?<x>a)(b)?/.exec('abab').groups.x",
        "dnsResolve(host) + sortIpAddressList('1.1.1.1;::1') + dateRange(1, 'JAN')",
        "Object.entries({ a: 1, b: 2 }).concat([[1, 2]]).toSorted() + `${url}${host}`",
    ];
    for _ in 0..400 {
        let (piece, free) = (1 + random(3000), random(60));
        let rest = rest[random(rest.len() as u64) as usize];
        let script = in_function(&format!(
            "const a = []; let r = 'DIRECT';
             try {{ for (;;) a.push('x'.repeat(20000) + a.length) }} catch (e) {{}}
             try {{ for (;;) a.push({{ n: 'x'.repeat({piece}) + a.length }}) }} catch (e) {{}}
             for (let n = 0; n < {free}; n++) a.pop();
             try {{ r += {rest} }} catch (e) {{ r += {rest} }} return r"
        ));
        let limits = PacLimits {
            memory: 600_000,
            ..PacLimits::default()
        };
        match run_with(&script, &limits).result {
            Ok(Answer::Text(_)) | Err(PacError::Memory(_) | PacError::Threw(_)) => {}
            other => panic!("{script}: {other:?}"),
        }
    }
}

#[test]
fn a_text_with_half_a_character_is_no_trap() {
    assert_eq!(
        value("dnsResolve('\\ud800') + '' + shExpMatch('\\ud800', '?')"),
        "nulltrue"
    );
    let error = error(&in_function("return '\\ud800'"));
    assert!(matches!(error, PacError::Threw(_)), "{error}");
}
