//! The order of the rules, and the ways around them.

use super::*;

fn permits(policy: &AccessPolicy, address: &str) -> bool {
    policy.permits(address.parse().unwrap())
}

fn net(text: &str) -> Network {
    text.parse().unwrap()
}

#[test]
fn the_first_rule_that_matches_decides_and_then_the_preset() {
    let policy = AccessPolicy::nothing()
        .deny(net("10.0.0.1"), 22)
        .allow(net("10.0.0.0/24"), ..)
        .deny(net("10.0.0.0/8"), ..)
        .allow(net("10.1.0.0/16"), ..)
        .allow(net("2001:db8::/32"), 8000..=8999);
    for (address, wanted) in [
        ("10.0.0.1:22", false),
        ("10.0.0.1:23", true),
        ("10.0.0.2:22", true),
        ("10.0.1.1:80", false),
        ("10.1.0.1:80", false), // an earlier rule denies it
        ("11.0.0.1:80", false),
        ("[2001:db8::1]:8000", true),
        ("[2001:db8::1]:8999", true),
        ("[2001:db8::1]:7999", false),
        ("[2001:db8::1]:9000", false),
        ("[2001:db9::1]:8000", false),
    ] {
        assert_eq!(permits(&policy, address), wanted, "{address}");
    }
    let all_but = AccessPolicy::everything().deny(net("192.0.2.0/24"), 25);
    assert!(permits(&all_but, "192.0.2.1:80") && !permits(&all_but, "192.0.2.1:25"));
    assert!(permits(&all_but, "127.0.0.1:25"));
    assert!(!permits(&AccessPolicy::default(), "127.0.0.1:80"));
}

#[test]
fn an_ipv4_address_written_as_ipv6_is_that_ipv4_address() {
    let loopback = AccessPolicy::loopback();
    assert!(permits(&loopback, "[::ffff:127.0.0.1]:80"));
    assert!(!permits(&loopback, "[::ffff:192.0.2.1]:80"));
    let one = AccessPolicy::nothing().allow(net("192.0.2.7"), 443);
    assert!(permits(&one, "[::ffff:192.0.2.7]:443") && permits(&one, "192.0.2.7:443"));
    let written = AccessPolicy::nothing().allow(net("::ffff:192.0.2.7"), 443);
    assert!(permits(&written, "[::ffff:192.0.2.7]:443") && permits(&written, "192.0.2.7:443"));
    let denied = AccessPolicy::everything().deny(net("127.0.0.0/8"), ..);
    assert!(!permits(&denied, "[::ffff:127.0.0.1]:80"));
    assert!(
        !AccessPolicy::everything()
            .deny(net("127.0.0.0/8"), ..)
            .permits_peer("::ffff:127.0.0.1".parse().unwrap())
    );
    let public = AccessPolicy::public();
    assert!(permits(&public, "[::ffff:8.8.8.8]:443"));
    assert!(!permits(&public, "[::ffff:169.254.169.254]:80"));
}

#[test]
fn a_denied_ipv4_address_is_denied_in_every_form_that_leads_to_it() {
    let policy = AccessPolicy::everything().deny(net("10.0.0.0/8"), ..);
    for form in [
        "::ffff:10.1.2.3",
        "::10.1.2.3",
        "::ffff:0:10.1.2.3",
        "64:ff9b::10.1.2.3",
        "64:ff9b:1::10.1.2.3",
        "64:ff9b:1:a01:2:300::",
        "2002:a01:203::1",
        "2001:0:808:808::f5fe:fdfc",
        "2001:0:a01:203::1",
        "2001:db8::5efe:10.1.2.3",
        "fe80::200:5efe:10.1.2.3",
    ] {
        assert!(!permits(&policy, &format!("[{form}]:80")), "{form}");
        assert!(!AccessPolicy::public().permits_host(form, 443), "{form}");
    }
    // What is allowed is the address itself, and no tunnel to it.
    let allowed = AccessPolicy::nothing().allow(net("10.0.0.0/8"), ..);
    assert!(permits(&allowed, "10.1.2.3:80") && !permits(&allowed, "[64:ff9b::10.1.2.3]:80"));
}

#[test]
fn the_public_preset_has_two_ports_and_takes_others() {
    let policy = AccessPolicy::public();
    for (address, wanted) in [
        ("8.8.8.8:443", true),
        ("8.8.8.8:80", true),
        ("8.8.8.8:22", false),
        ("8.8.8.8:25", false),
        ("[2606:4700::1111]:443", true),
        ("[::1]:443", false),
        ("127.0.0.1:443", false),
        ("169.254.169.254:80", false),
        ("[fd00:ec2::254]:80", false),
        ("[fe80::1%3]:443", false),
    ] {
        assert_eq!(permits(&policy, address), wanted, "{address}");
    }
    let wide = AccessPolicy::public().ports([1024..=65535]);
    assert!(permits(&wide, "8.8.8.8:8080") && !permits(&wide, "8.8.8.8:443"));
    let all = AccessPolicy::public().ports([..]);
    assert!(permits(&all, "8.8.8.8:25") && !permits(&all, "10.0.0.1:25"));
    let open = AccessPolicy::public().allow(net("10.0.0.0/8"), 8080);
    assert!(permits(&open, "10.0.0.1:8080") && !permits(&open, "10.0.0.1:443"));
}

#[test]
fn a_rule_for_a_host_opens_no_address_unless_it_says_so() {
    let inside = "10.0.0.1:443".parse().unwrap();
    let outside = "8.8.8.8:443".parse().unwrap();
    let policy = AccessPolicy::public().allow_host("db.internal", ..);
    assert!(policy.permits_host("db.internal", 443));
    assert!(!policy.permits_found("db.internal", inside));
    assert!(policy.permits_found("db.internal", outside));
    let policy = AccessPolicy::public().trust_host("db.internal", 443);
    assert!(policy.permits_found("DB.internal.", inside));
    assert!(!policy.permits_found("db.internal", "10.0.0.1:22".parse().unwrap()));
    assert!(!policy.permits_found("other.internal", inside));
    let policy = AccessPolicy::everything()
        .allow_host("ok.internal", 443)
        .deny_host("*.internal", ..);
    assert!(policy.permits_host("ok.internal", 443) && !policy.permits_host("ok.internal", 22));
    assert!(!policy.permits_host("db.internal", 443));
    assert!(!policy.permits_found("db.internal", outside));
    assert!(policy.permits_host("internal.example", 443));
}

#[test]
fn a_list_of_hosts_is_not_passed_by_with_an_address() {
    let policy = AccessPolicy::public()
        .allow_host("*.example.org", ..)
        .deny_host("*", ..);
    assert!(policy.permits_host("www.example.org", 443));
    for host in [
        "example.com",
        "8.8.8.8",
        "134744072",
        "2606:4700::1111",
        "[::]",
        "localhost.",
    ] {
        assert!(!policy.permits_host(host, 443), "{host}");
    }
}

#[test]
fn odd_spellings_of_an_address_are_that_address() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "::1",
        "[::ffff:7f00:1]",
        "0",
        "[::]",
        "0x",
        "::ffff:127.0.0.1",
    ] {
        assert!(!AccessPolicy::public().permits_host(host, 443), "{host}");
    }
    assert!(AccessPolicy::loopback().permits_host("127.1", 443));
    assert!(AccessPolicy::public().permits_host("0x08080808", 443));
}

#[test]
fn a_peer_is_asked_about_without_its_port() {
    let peer = |text: &str| text.parse().unwrap();
    let policy = AccessPolicy::public()
        .deny(net("8.8.8.8"), ..)
        .deny(net("9.9.9.9"), 80);
    assert!(policy.permits_peer(peer("1.1.1.1")) && policy.permits_peer(peer("9.9.9.9")));
    assert!(!policy.permits_peer(peer("8.8.8.8")) && !policy.permits_peer(peer("10.0.0.1")));
}
