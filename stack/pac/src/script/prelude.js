// Runs before each script: it makes the functions of proxy auto-config, and bounds the work of those
// functions of the language that the engine cannot interrupt. What it uses later it takes now, as a
// script may change everything that it can reach.
(function (host, now) {
  "use strict";
  const { apply, construct, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { TypeError: BadType, String: toText } = globalThis;
  const NativeRegExp = RegExp;
  const NativeDate = Date;
  const exec = NativeRegExp.prototype.exec;
  const wellFormed = String.prototype.toWellFormed;
  const replace = String.prototype.replaceAll;
  const stackOf = getOwnPropertyDescriptor(Error.prototype, "stack")?.get;

  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

  // Reads a property without running code of the script.
  const dataOf = (object, key) => {
    for (let at = object, depth = 0; at !== null; at = getPrototypeOf(at), depth++) {
      const own = getOwnPropertyDescriptor(at, key);
      if (own !== undefined) {
        if ("value" in own) return own.value;
        throw new BadType("a getter is not allowed here");
      }
      if (depth > 100) throw new BadType("the chain of prototypes is too long here");
    }
    return undefined;
  };

  const sizeOf = (value) => {
    if (typeof value === "string") return value.length;
    if (!isObject(value)) return 0;
    const length = dataOf(value, "length");
    if (length === undefined) return 0;
    if (typeof length === "number") return length;
    throw new BadType("the length is no number");
  };

  const work = (steps) => {
    if (!(steps <= 4096)) host.work(steps);
  };

  const put = (object, key, value) =>
    defineProperty(object, key, { value, writable: true, enumerable: false, configurable: true });

  const rename = (value, name) => defineProperty(value, "name", { value: name, configurable: true });

  // Replaces a method of the language by one that counts its work first.
  const count = (object, name, prepare) => {
    const native = dataOf(object, name);
    if (typeof native !== "function") return;
    const counted = {
      method(...args) {
        return apply(native, prepare(this, args), args);
      },
    }.method;
    rename(counted, typeof name === "string" ? name : native.name);
    put(object, name, counted);
  };

  // Replaces a constructor of the language.
  const replaceConstructor = (native, make) => {
    const replaced = function (...args) {
      return make(args, new.target);
    };
    for (const key of ownKeys(native)) {
      if (key !== "arguments" && key !== "caller") defineProperty(replaced, key, getOwnPropertyDescriptor(native, key));
    }
    defineProperty(replaced, "prototype", { value: native.prototype, writable: false });
    defineProperty(native.prototype, "constructor", { value: replaced });
    return replaced;
  };

  const searches = { __proto__: null, indexOf: 1, lastIndexOf: 1, includes: 1, startsWith: 1, endsWith: 1 };
  const patterns = {
    __proto__: null,
    split: Symbol.split,
    replace: Symbol.replace,
    replaceAll: Symbol.replace,
    match: Symbol.match,
    matchAll: Symbol.matchAll,
    search: Symbol.search,
  };
  const strings = String.prototype;
  for (const name of ownKeys(strings)) {
    if (name === "constructor" || name === "length" || typeof name !== "string") continue;
    count(strings, name, (self, args) => {
      const text = isObject(self) ? `${self}` : self;
      let steps = sizeOf(text);
      if (name in patterns && isObject(args[0]) && dataOf(args[0], patterns[name]) === undefined) args[0] = `${args[0]}`;
      if (name in searches && isObject(args[0])) args[0] = `${args[0]}`;
      if (name in searches || name in patterns) steps *= typeof args[0] === "string" ? args[0].length + 1 : 1;
      if (name === "normalize" || name === "localeCompare") steps *= steps + sizeOf(args[0]);
      work(steps);
      return text;
    });
  }
  const arrays = Array.prototype;
  for (const name of ownKeys(arrays)) {
    if (name === "constructor" || name === "length" || typeof name !== "string") continue;
    count(arrays, name, (self, args) => {
      let steps = sizeOf(self);
      if (name in searches) steps *= 1 + sizeOf(args[0]);
      else for (let n = 0; n < args.length && n < 100; n++) steps += sizeOf(args[n]);
      if ((name === "sort" || name === "toSorted") && args[0] === undefined) {
        put(args, 0, (a, b) => {
          const left = toText(a);
          const right = toText(b);
          return left < right ? -1 : left > right ? 1 : 0;
        });
      }
      work(steps);
      return self;
    });
  }
  // Endless loops without a call of the script would be possible in these.
  const iterators = getPrototypeOf(getPrototypeOf([].values()));
  for (const key of ownKeys(iterators)) if (typeof key === "string") deleteProperty(iterators, key);
  for (const name of ["union", "intersection", "difference", "symmetricDifference", "isSubsetOf", "isSupersetOf", "isDisjointFrom"]) {
    deleteProperty(Set.prototype, name);
  }
  for (const name of ["Iterator", "BigInt", "Proxy", "Promise", "WebAssembly", "gc", "console", "print", "queueMicrotask"]) {
    deleteProperty(globalThis, name);
  }
  const NativeSet = Set;
  const NativeMap = Map;
  const add = Set.prototype.add;
  const set = Map.prototype.set;
  put(globalThis, "Set", replaceConstructor(NativeSet, (args, target) => {
    if (target === undefined) throw new BadType("Set wants new");
    const made = construct(NativeSet, [], target);
    if (args[0] !== undefined && args[0] !== null) for (const item of args[0]) apply(add, made, [item]);
    return made;
  }));
  put(globalThis, "Map", replaceConstructor(NativeMap, (args, target) => {
    if (target === undefined) throw new BadType("Map wants new");
    const made = construct(NativeMap, [], target);
    if (args[0] !== undefined && args[0] !== null) for (const item of args[0]) apply(set, made, [item[0], item[1]]);
    return made;
  }));
  const compiles = (native) =>
    replaceConstructor(native, (args, target) => {
      host.work(100 * sizeOf(args[0]));
      return target === undefined ? apply(native, undefined, args) : construct(native, args, target);
    });
  put(globalThis, "RegExp", compiles(NativeRegExp));
  count(NativeRegExp.prototype, "compile", (self, args) => {
    host.work(100 * sizeOf(args[0]));
    return self;
  });
  put(globalThis, "Function", compiles(Function));
  for (const sample of [function* () {}, async function () {}, async function* () {}]) {
    compiles(getPrototypeOf(sample).constructor);
  }
  const nativeEval = eval;
  put(globalThis, "eval", (text) => {
    host.work(100 * sizeOf(text));
    return nativeEval(text);
  });
  count(JSON, "parse", (self, args) => (host.work(sizeOf(args[0])), self));
  count(JSON, "stringify", (self) => (host.work(1), self));

  // The time is that of the question.
  put(globalThis, "Date", replaceConstructor(NativeDate, (args, target) => {
    if (target === undefined) return apply(NativeDate.prototype.toString, new NativeDate(now), []);
    return construct(NativeDate, args.length === 0 ? [now] : args, target);
  }));
  put(Date, "now", () => now);
  const today = new NativeDate(now);
  const local = [today.getFullYear(), today.getMonth(), today.getDate(), today.getDay(), today.getHours(), today.getMinutes(), today.getSeconds()];
  const utc = [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate(), today.getUTCDay(), today.getUTCHours(), today.getUTCMinutes(), today.getUTCSeconds()];

  const text = (value) => {
    const shown = `${value}`;
    if (shown.length > 65536) throw new BadType("a text for a function of proxy auto-config is too long");
    return apply(wellFormed, shown, []);
  };
  const range = (kind) => (...args) => {
    if (args.length > 7) return false;
    const texts = [];
    for (let n = 0; n < args.length; n++) put(texts, n, text(args[n]));
    return host.range(kind, texts, local, utc);
  };

  const functions = {
    isPlainHostName: (name) => host.isPlainHostName(text(name)),
    dnsDomainIs: (name, domain) => host.dnsDomainIs(text(name), text(domain)),
    localHostOrDomainIs: (name, full) => host.localHostOrDomainIs(text(name), text(full)),
    dnsDomainLevels: (name) => host.dnsDomainLevels(text(name)),
    isResolvable: (name) => host.dnsResolve(text(name), false) !== "",
    isInNet: (name, net, mask) => {
      const asked = text(name);
      const address = host.isAddress(asked) ? asked : host.dnsResolve(asked, false);
      return host.isInNet(address, text(net), text(mask));
    },
    dnsResolve: (name) => host.dnsResolve(text(name), false) || null,
    convert_addr: (address) => host.convertAddress(text(address)),
    myIpAddress: () => host.myAddresses(false),
    shExpMatch: (value, pattern) => {
      const shown = text(value);
      const wanted = text(pattern);
      const quick = host.glob(shown, wanted);
      if (quick >= 0) return quick === 1;
      let source = apply(replace, wanted, [".", "\\."]);
      source = apply(replace, source, ["*", ".*"]);
      source = apply(replace, source, ["?", "."]);
      host.work(100 * source.length);
      return apply(exec, new NativeRegExp(`^${source}$`), [shown]) !== null;
    },
    weekdayRange: range("weekday"),
    dateRange: range("date"),
    timeRange: range("time"),
    alert: (message) => host.alert(text(message)),
    isResolvableEx: (name) => host.dnsResolve(text(name), true) !== "",
    isInNetEx: (address, prefix) => host.isInNetEx(text(address), text(prefix)),
    dnsResolveEx: (name) => host.dnsResolve(text(name), true),
    myIpAddressEx: () => host.myAddresses(true),
    sortIpAddressList: (list) => host.sortAddresses(text(list)) || false,
    getClientVersion: () => "1.0",
  };
  for (const name of ownKeys(functions)) put(globalThis, name, rename(functions[name], name) && functions[name]);

  // Tells about an exception without running code of the script.
  return (thrown) => {
    if (!isObject(thrown)) return typeof thrown === "symbol" ? "a symbol" : text(thrown);
    const read = (key) => {
      try {
        const value = dataOf(thrown, key);
        return typeof value === "string" ? apply(wellFormed, value, []) : "";
      } catch {
        return "";
      }
    };
    const readStack = () => {
      try {
        const value = stackOf === undefined ? "" : apply(stackOf, thrown, []);
        return typeof value === "string" ? apply(wellFormed, value, []) : "";
      } catch {
        return "";
      }
    };
    return `${read("name")}\0${read("message")}\0${read("stack") || readStack()}`;
  };
})
