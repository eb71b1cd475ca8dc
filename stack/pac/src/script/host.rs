//! The functions that a script has from outside, and the watch over its time.

use super::World;
use crate::functions::addresses::{
    convert_address, is_in_net, is_in_net_ex, read_v4, sort_addresses,
};
use crate::functions::ranges::{Moment, date_range, time_range, weekday_range};
use crate::functions::{glob, hosts};
use crate::limits::PacLimits;
use rquickjs::{Ctx, Exception, Function, Object, Persistent, Result, String as JsString};
use std::cell::{Cell, RefCell};
use std::mem;
use std::net::IpAddr;
use std::rc::Rc;
use wirestack_layer::Instant;

/// The host of one run.
pub(super) struct Host {
    world: World,
    limits: PacLimits,
    until: Option<Instant>,
    is_late: Cell<bool>,
    /// Memory that the script cannot use. It is freed when the time is over: the engine needs some to
    /// make the exception that no script catches.
    reserve: RefCell<Option<Persistent<JsString<'static>>>>,
    unknown: RefCell<Option<String>>,
    alerts: RefCell<Vec<String>>,
}

impl Host {
    pub(super) fn new(world: World, limits: PacLimits) -> Self {
        Self {
            until: (world.clock)().checked_add(limits.time),
            world,
            limits,
            is_late: Cell::new(false),
            reserve: RefCell::new(None),
            unknown: RefCell::new(None),
            alerts: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn limits(&self) -> &PacLimits {
        &self.limits
    }

    /// Returns `true` if the script has to stop.
    pub(super) fn check_time(&self) -> bool {
        let late = self
            .until
            .is_some_and(|until| (self.world.clock)() >= until);
        self.is_late.set(self.is_late.get() || late);
        if self.is_late.get() {
            self.free_reserve();
        }
        self.is_late.get()
    }

    /// Frees the reserve, which must not outlive the engine.
    pub(super) fn free_reserve(&self) {
        let reserve = self.reserve.borrow_mut().take();
        drop(reserve);
    }

    pub(super) fn is_late(&self) -> bool {
        self.is_late.get()
    }

    /// Returns the first name that was not known.
    pub(super) fn unknown_name(&self) -> Option<String> {
        self.unknown.borrow().clone()
    }

    pub(super) fn take_alerts(&self) -> Vec<String> {
        mem::take(&mut *self.alerts.borrow_mut())
    }

    /// Defines the functions for the script. Returns the function that tells about an exception.
    pub(super) fn install<'js>(self: &Rc<Self>, ctx: &Ctx<'js>) -> Result<Function<'js>> {
        let reserve = JsString::from_str(ctx.clone(), &"x".repeat(RESERVE))?;
        *self.reserve.borrow_mut() = Some(Persistent::save(ctx, reserve));
        let object = Object::new(ctx.clone())?;
        let put = |name: &str, function: Result<Function<'js>>| object.set(name, function?);
        let new = |name: &str, function: fn(String) -> bool| {
            put(name, Function::new(ctx.clone(), function))
        };
        new("isPlainHostName", |host| hosts::is_plain_host_name(&host))?;
        new("isAddress", |text| read_v4(&text).is_some())?;
        let pair = |name: &str, function: fn(String, String) -> bool| {
            put(name, Function::new(ctx.clone(), function))
        };
        pair("dnsDomainIs", |host, domain| {
            hosts::dns_domain_is(&host, &domain)
        })?;
        pair("localHostOrDomainIs", |host, full| {
            hosts::local_host_or_domain_is(&host, &full)
        })?;
        pair("isInNetEx", |address, prefix| {
            is_in_net_ex(&address, &prefix)
        })?;
        put(
            "isInNet",
            Function::new(ctx.clone(), |address: String, net: String, mask: String| {
                is_in_net(&address, &net, &mask)
            }),
        )?;
        put(
            "dnsDomainLevels",
            Function::new(ctx.clone(), |host: String| hosts::dns_domain_levels(&host)),
        )?;
        put(
            "convertAddress",
            Function::new(ctx.clone(), |text: String| convert_address(&text)),
        )?;
        put(
            "sortAddresses",
            Function::new(ctx.clone(), |list: String| sort_addresses(&list)),
        )?;
        put(
            "glob",
            Function::new(ctx.clone(), |text: String, pattern: String| {
                glob::matches(&text, &pattern).map_or(-1, i32::from)
            }),
        )?;
        put("range", Function::new(ctx.clone(), range))?;
        let host = self.clone();
        put(
            "myAddresses",
            Function::new(ctx.clone(), move |all: bool| host.my_addresses(all)),
        )?;
        let host = self.clone();
        put(
            "alert",
            Function::new(ctx.clone(), move |text: String| host.alert(text)),
        )?;
        let host = self.clone();
        put(
            "work",
            Function::new(ctx.clone(), move |ctx: Ctx<'js>, steps: f64| {
                host.work(&ctx, steps)
            }),
        )?;
        let host = self.clone();
        put(
            "dnsResolve",
            Function::new(
                ctx.clone(),
                move |ctx: Ctx<'js>, name: String, all: bool| host.resolve(&ctx, &name, all),
            ),
        )?;
        let prelude: Function<'js> = ctx.eval(PRELUDE)?;
        prelude.call((object, self.world.unix_ms))
    }

    /// Fails if one call of the language would take too long, or if the time is over.
    fn work(&self, ctx: &Ctx<'_>, steps: f64) -> Result<()> {
        // A length that is no number is refused, too.
        let is_small = steps <= MOST_STEPS;
        if is_small && !self.check_time() {
            return Ok(());
        }
        Err(Exception::throw_range(
            ctx,
            "one call of a function would take too long",
        ))
    }

    fn resolve(&self, ctx: &Ctx<'_>, name: &str, all: bool) -> Result<String> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Ok(show(&[ip], all));
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_name_byte) {
            return Ok(String::new());
        }
        if let Some(found) = self.world.names.get(&name) {
            return Ok(show(found, all));
        }
        self.unknown.borrow_mut().get_or_insert(name);
        // Nothing that the script does from now on counts.
        Err(Exception::throw_internal(
            ctx,
            "the name is looked up first",
        ))
    }

    fn my_addresses(&self, all: bool) -> String {
        let shown = show(&self.world.addresses, all);
        match self.world.addresses.first() {
            // An IPv6 address is better than none, as browsers have it.
            Some(first) if shown.is_empty() => first.to_string(),
            None if !all => "127.0.0.1".to_owned(),
            _ => shown,
        }
    }

    fn alert(&self, text: String) {
        let mut alerts = self.alerts.borrow_mut();
        if alerts.len() < MOST_ALERTS {
            alerts.push(text.chars().take(LONGEST_ALERT).collect());
        }
    }
}

fn range(kind: String, args: Vec<String>, local: Vec<i32>, utc: Vec<i32>) -> bool {
    let (Some(local), Some(utc)) = (Moment::read(&local), Moment::read(&utc)) else {
        return false;
    };
    match kind.as_str() {
        "weekday" => weekday_range(&args, local, utc),
        "date" => date_range(&args, local, utc),
        _ => time_range(&args, local, utc),
    }
}

/// Shows all addresses, or the first one of IPv4.
fn show(addresses: &[IpAddr], all: bool) -> String {
    let mut wanted = addresses.iter().filter(|ip| all || ip.is_ipv4());
    if all {
        let shown: Vec<_> = wanted.map(IpAddr::to_string).collect();
        return shown.join(";");
    }
    wanted.next().map(IpAddr::to_string).unwrap_or_default()
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// The length of the reserve, in bytes.
const RESERVE: usize = 64 * 1024;

const PRELUDE: &str = include_str!("prelude.js");

/// The steps of one call of a function of the language: about a second.
const MOST_STEPS: f64 = (1_u32 << 30) as f64;

/// The length of a name in the DNS (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;

const MOST_ALERTS: usize = 10;

const LONGEST_ALERT: usize = 200;
