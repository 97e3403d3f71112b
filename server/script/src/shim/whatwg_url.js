// URL and URLSearchParams, for reading addresses and for writing queries.
(native) => {
  "use strict";
  const takeApart = native.takeUrlApart;
  const decode = (text) => {
    const spaced = text.replaceAll("+", " ");
    try {
      return decodeURIComponent(spaced);
    } catch {
      return spaced;
    }
  };
  const encode = (text) =>
    encodeURIComponent(text.toWellFormed())
      .replaceAll("%20", "+")
      .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

  class URLSearchParams {
    #pairs = [];
    constructor(init = "") {
      if (typeof init === "object" && init !== null) {
        const entries = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
        for (const [name, value] of entries) this.append(name, value);
        return;
      }
      for (const part of String(init).replace(/^\?/, "").split("&")) {
        if (part === "") continue;
        const equals = part.indexOf("=");
        const [name, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
        this.#pairs.push([decode(name), decode(value)]);
      }
    }
    append(name, value) {
      this.#pairs.push([String(name), String(value)]);
    }
    delete(name) {
      this.#pairs = this.#pairs.filter(([known]) => known !== String(name));
    }
    get(name) {
      const found = this.#pairs.find(([known]) => known === String(name));
      return found ? found[1] : null;
    }
    getAll(name) {
      return this.#pairs.filter(([known]) => known === String(name)).map(([, value]) => value);
    }
    has(name) {
      return this.#pairs.some(([known]) => known === String(name));
    }
    set(name, value) {
      const first = this.#pairs.findIndex(([known]) => known === String(name));
      if (first < 0) return this.append(name, value);
      this.#pairs[first][1] = String(value);
      this.#pairs = this.#pairs.filter(([known], index) => index <= first || known !== String(name));
    }
    forEach(each) {
      for (const [name, value] of this.#pairs) each(value, name, this);
    }
    entries() {
      return this.#pairs.map((pair) => [...pair])[Symbol.iterator]();
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
    }
  }

  class URL {
    #parts;
    #params;
    constructor(url, base) {
      this.#parts = base === undefined ? takeApart(String(url)) : takeApart(String(url), String(base));
      if (!this.#parts) throw new TypeError("Invalid URL");
    }
    get href() {
      if (!this.#params) return this.#parts[0];
      const [href, , , , , , , search, hash] = this.#parts;
      const query = this.#params.toString();
      return href.slice(0, href.length - hash.length - search.length) + (query ? `?${query}` : "") + hash;
    }
    get protocol() {
      return this.#parts[1];
    }
    get username() {
      return this.#parts[2];
    }
    get password() {
      return this.#parts[3];
    }
    get hostname() {
      return this.#parts[4];
    }
    get port() {
      return this.#parts[5];
    }
    get host() {
      return this.port ? `${this.hostname}:${this.port}` : this.hostname;
    }
    get pathname() {
      return this.#parts[6];
    }
    get search() {
      if (!this.#params) return this.#parts[7];
      const query = this.#params.toString();
      return query ? `?${query}` : "";
    }
    get hash() {
      return this.#parts[8];
    }
    get origin() {
      return this.#parts[9];
    }
    get searchParams() {
      this.#params = this.#params || new URLSearchParams(this.#parts[7]);
      return this.#params;
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  }
  return { URL, URLSearchParams };
}
