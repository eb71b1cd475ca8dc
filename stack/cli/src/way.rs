//! The options of all commands that connect: by which way, with which logins and certificates.

use crate::asking;
use crate::builder::Builder;
use crate::exit::Failure;
use crate::secret;
use clap::Args;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wirestack::DialContext;
use wirestack::dial::{Credentials, Endpoint, Environment, Hop, StackSpec, Target, Timeouts};
use wirestack::tls::rustls::ClientConfig;
use wirestack::tls::{Certificates, ClientSettings};

/// The way to a target.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table, written [serve.way] or [forward.way]"
)]
#[command(next_help_heading = "Way")]
pub(crate) struct Way {
    /// Goes through this proxy, such as socks5h://gate:1080; again for a chain, the nearest first. Where no option names the way, WIRESTACK_VIA names the hops
    #[arg(short = 'x', long = "via", value_name = "HOP", value_delimiter = ' ')]
    pub(crate) via: Vec<String>,
    /// Takes the whole way from one line: "socks5(gate:1080) | connect(proxy:3128) | tls(ca=corp.pem)"
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["via", "direct", "system_proxy", "pac"])]
    pub(crate) stack: Option<String>,
    /// Goes straight to the target, whatever the environment says
    #[arg(long, conflicts_with_all = ["via", "system_proxy", "pac"])]
    pub(crate) direct: bool,
    /// Goes through the proxy that the settings of the system name, behind those of the environment
    #[arg(long, conflicts_with_all = ["via", "pac"])]
    pub(crate) system_proxy: bool,
    /// Goes through the proxies that this proxy auto-config file names
    #[arg(long, value_name = "URL", conflicts_with = "via")]
    pub(crate) pac: Option<String>,
    /// Logs in to each proxy as this user; its password: --proxy-password-file, WIRESTACK_PROXY_PASSWORD, or asked for
    #[arg(long, value_name = "USER")]
    pub(crate) proxy_user: Option<String>,
    /// Takes the password for --proxy-user from the first line of this file
    #[arg(long, value_name = "FILE", requires = "proxy_user")]
    pub(crate) proxy_password_file: Option<PathBuf>,
    /// Sends credentials only when an HTTP proxy asks for them, by the strongest scheme that it offers
    #[arg(long)]
    pub(crate) on_challenge: bool,
    /// Never sends a password by Basic
    #[arg(long)]
    pub(crate) no_basic: bool,
    /// Logs in to HTTP proxies with the ticket of the user who is logged in (Negotiate)
    #[arg(long)]
    pub(crate) ticket: bool,
    /// Gets a ticket for --proxy-user from this key distribution centre (Negotiate)
    #[arg(long, value_name = "ADDRESS", requires = "proxy_user")]
    pub(crate) kdc: Option<String>,
    /// Asks at the terminal when a proxy wants a user and a password
    #[arg(long)]
    pub(crate) ask: bool,
    /// Trusts the authorities in this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Vec<PathBuf>,
    /// Shows the certificate in this file to the target
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Takes the private key of --cert from this file
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Shows the certificate in this file to each proxy over TLS
    #[arg(long, value_name = "FILE", requires = "proxy_key")]
    pub(crate) proxy_cert: Option<PathBuf>,
    /// Takes the private key of --proxy-cert from this file
    #[arg(long, value_name = "FILE", requires = "proxy_cert")]
    pub(crate) proxy_key: Option<PathBuf>,
    /// Asks the target for this name by TLS, and wants it in the certificate
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,
    /// Connects to this Unix socket instead of the host of the URL
    #[arg(long, value_name = "PATH")]
    pub(crate) unix_socket: Option<PathBuf>,
    /// Gives up after so many seconds in all
    #[arg(long, value_name = "SECONDS")]
    pub(crate) connect_timeout: Option<f64>,
}

/// The way, with everything read that it names.
#[derive(Clone)]
pub(crate) struct PreparedWay {
    way: Way,
    pub(crate) stack: Option<StackSpec>,
    hops: Vec<Hop>,
    login: Option<Credentials>,
    context: DialContext,
    /// The TLS settings that all connections share.
    tls: Option<Arc<ClientConfig>>,
}

impl Way {
    /// Reads the stack, the hops and the passwords.
    pub(crate) fn prepare(&self) -> Result<PreparedWay, Failure> {
        self.check()?;
        let stack = self.stack.as_deref().map(read_stack).transpose()?;
        let mut hops = Vec::new();
        for (n, text) in self.via.iter().enumerate() {
            let hop: Hop = text
                .parse()
                .map_err(|error| Failure::usage(format!("--via number {}: {error}", n + 1)))?;
            hops.push(hop);
        }
        let login = match &self.proxy_user {
            None => None,
            Some(user) => {
                let file = self.proxy_password_file.as_deref();
                let password = secret::of_user(user, file, "WIRESTACK_PROXY_PASSWORD")?;
                Some(Credentials::new(
                    user.as_str(),
                    password.as_bytes().to_vec(),
                ))
            }
        };
        let mut context = DialContext::new();
        if self.ask {
            context = asking::asking(context);
        }
        if self.pac.is_some() && !cfg!(feature = "pac") {
            return Err(Failure::usage(
                "--pac needs the feature `pac` of this program",
            ));
        }
        if self.kdc.is_some() && !cfg!(feature = "kerberos") {
            return Err(Failure::usage(
                "--kdc needs the feature `kerberos` of this program",
            ));
        }
        if self.ticket && !cfg!(feature = "negotiate") {
            return Err(Failure::usage(
                "--ticket needs the feature `negotiate` of this program",
            ));
        }
        let is_time = |seconds| Duration::try_from_secs_f64(seconds).is_ok_and(|it| !it.is_zero());
        if self.connect_timeout.is_some_and(|it| !is_time(it)) {
            return Err(Failure::usage(
                "--connect-timeout takes seconds, more than 0, such as 10",
            ));
        }
        Ok(PreparedWay {
            way: self.clone(),
            stack,
            hops,
            login,
            context,
            tls: None,
        })
    }

    /// Takes the hops of the environment, unless an option names the way. The parser of options does not
    /// read them: it would take `--direct` beside them for a contradiction.
    pub(crate) fn with_environment(mut self) -> Self {
        let is_named = !self.via.is_empty()
            || self.stack.is_some()
            || self.direct
            || self.system_proxy
            || self.pac.is_some();
        if !is_named && let Some(hops) = std::env::var_os("WIRESTACK_VIA") {
            // What is no text is no hop either: it is an error, and no way past the proxies.
            let hops = hops.to_string_lossy();
            self.via = hops.split_whitespace().map(str::to_owned).collect();
        }
        self
    }

    /// Returns the way to targets of this network, with the same authorities and the same time.
    pub(crate) fn to_targets_here(&self) -> Self {
        Self {
            direct: true,
            cacert: self.cacert.clone(),
            connect_timeout: self.connect_timeout,
            ..Self::default()
        }
    }

    /// Returns the URL of the target: the one that is given, or that of the stack.
    pub(crate) fn url(
        &self,
        given: Option<&str>,
        prepared: &PreparedWay,
    ) -> Result<String, Failure> {
        let of_stack = prepared.stack.as_ref().and_then(StackSpec::target_url);
        given.map(str::to_owned).or(of_stack).ok_or_else(|| {
            Failure::usage("the URL of the target is missing: give it, or name its host in --stack")
        })
    }
}

impl PreparedWay {
    /// Lets `on_event` hear of the steps of connecting.
    pub(crate) fn context(&self) -> DialContext {
        self.context.clone()
    }

    /// Returns the options.
    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// Sets the way of a builder.
    pub(crate) fn apply<B: Builder>(&self, builder: B, context: DialContext) -> Result<B, Failure> {
        let way = &self.way;
        let mut builder = builder.context(context).timeouts(self.timeouts());
        if let Some(stack) = &self.stack {
            builder = builder.stack(stack);
        }
        if way.direct {
            builder = builder.direct();
        }
        if way.system_proxy {
            builder = builder.system_proxy();
        }
        if let Some(url) = &way.pac {
            builder = builder.pac(url)?;
        }
        for hop in &self.hops {
            builder = builder.via(hop.clone());
        }
        if let Some(config) = &self.tls {
            builder = builder.tls(config.clone());
        }
        for file in way.cacert.iter().filter(|_| self.tls.is_none()) {
            builder = builder.ca_file(file.clone());
        }
        if let (Some(chain), Some(key)) = (&way.cert, &way.key) {
            builder = builder.client_certificate(chain.clone(), key.clone());
        }
        if let Some(name) = &way.sni {
            builder = builder.server_name(name);
        }
        if let Some(path) = &way.unix_socket {
            builder = builder.unix_socket(path.clone());
        }
        let this = self.clone();
        let kerberos = self.kerberos();
        Ok(builder.each_hop(move |hop| {
            let hop = this.change(hop);
            kerberos(hop)
        }))
    }

    /// Makes the TLS settings once, for all connections: that reads the roots of the system, so it is
    /// left out where neither a target nor a proxy wants TLS. A certificate of its own for the
    /// target or for a proxy needs settings of its own, each time.
    pub(crate) fn with_shared_tls(mut self, target_wants_tls: bool) -> Result<Self, Failure> {
        let way = &self.way;
        if way.cert.is_some() || way.proxy_cert.is_some() || self.stack.is_some() {
            return Ok(self);
        }
        if !target_wants_tls && !self.may_want_tls() && way.cacert.is_empty() {
            return Ok(self);
        }
        let mut certificates = Certificates::new();
        for file in &way.cacert {
            certificates = certificates.ca_file(file.clone());
        }
        let settings = ClientSettings::new().certificates(&certificates).build();
        match settings {
            Ok(config) => self.tls = Some(config),
            Err(error) if !way.cacert.is_empty() => return Err(Failure::usage(error)),
            // A machine without roots may need no TLS.
            Err(_) => {}
        }
        Ok(self)
    }

    /// Returns `true` if a proxy of the way may want TLS.
    fn may_want_tls(&self) -> bool {
        let way = &self.way;
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !self.hops.is_empty() {
            return self.hops.iter().any(Hop::wants_tls);
        }
        let is_known = way.system_proxy || way.pac.is_some();
        is_known || !way.direct && Environment::VARIABLES.iter().any(is_set)
    }

    /// Returns the hops to a target as they are changed for each connection, for what takes hops alone.
    pub(crate) fn hops_to(&self, target: &Endpoint) -> Result<Vec<Hop>, Failure> {
        let way = &self.way;
        if way.system_proxy || way.pac.is_some() {
            return Err(Failure::usage(
                "--system-proxy and --pac find proxies for connections, and not for datagrams: name one socks5:// proxy by --via, or say --direct",
            ));
        }
        let hops = match &self.stack {
            Some(stack) => stack.hops().map_err(Failure::usage)?,
            None if self.hops.is_empty() && !way.direct => {
                let target: Target = format!("tcp://{target}").parse().map_err(Failure::usage)?;
                let hop = Environment::of_this_process().proxy_for(&target);
                hop.map_err(Failure::usage)?.into_iter().collect()
            }
            None => self.hops.clone(),
        };
        Ok(hops.into_iter().map(|hop| self.change(hop)).collect())
    }

    /// Returns `true` if the way is named, and is not that of the environment.
    pub(crate) fn is_named(&self) -> bool {
        let way = &self.way;
        self.stack.is_some()
            || !self.hops.is_empty()
            || way.direct
            || way.system_proxy
            || way.pac.is_some()
    }

    fn change(&self, mut hop: Hop) -> Hop {
        let way = &self.way;
        if let Some(Credentials { user, password }) = &self.login {
            hop = hop.credentials(user.clone(), password.clone());
        }
        if way.on_challenge {
            hop = hop.on_challenge();
        }
        if way.no_basic {
            hop = hop.without_basic();
        }
        if way.ask {
            hop = hop.asking();
        }
        if way.ticket {
            hop = hop.default_credentials();
        }
        if let (Some(chain), Some(key)) = (&way.proxy_cert, &way.proxy_key) {
            hop = hop.client_certificate(chain.clone(), key.clone());
        }
        hop
    }

    #[cfg(feature = "kerberos")]
    fn kerberos(&self) -> impl Fn(Hop) -> Hop + Send + Sync + 'static {
        let known = self.way.kdc.as_ref().zip(self.login.as_ref());
        let kerberos = known.map(|(kdc, Credentials { user, password })| {
            let kerberos = wirestack::kerberos::Kerberos::new();
            let kerberos = kerberos
                .credentials(user.clone(), password.clone())
                .kdc(kdc);
            std::sync::Arc::new(kerberos.scheme()) // one for all hops: they share its ticket
        });
        move |hop: Hop| match &kerberos {
            Some(make) => {
                let make = make.clone();
                hop.on_challenge().scheme(move |context| make(context))
            }
            None => hop,
        }
    }

    #[cfg(not(feature = "kerberos"))]
    fn kerberos(&self) -> impl Fn(Hop) -> Hop + Send + Sync + 'static {
        |hop| hop
    }

    /// Returns the time-outs of connecting.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let mut timeouts = Timeouts::default();
        let seconds = self.way.connect_timeout.unwrap_or_default();
        if let Some(total) = Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|time| !time.is_zero())
        {
            timeouts.total = total;
            for part in [
                &mut timeouts.find_routes,
                &mut timeouts.resolve,
                &mut timeouts.connect,
                &mut timeouts.layer,
            ] {
                *part = (*part).max(total);
            }
        }
        timeouts
    }
}

/// Reads a stack, with its passwords.
pub(crate) fn read_stack(text: &str) -> Result<StackSpec, Failure> {
    let read = text.parse::<StackSpec>();
    let read = read.and_then(|stack| stack.with_secrets(secret::of_stack));
    read.map_err(|error| Failure::usage(format!("the stack cannot be read\n{}", error.picture())))
}
