// `pg`. Connections are the gateway's; a query's values go beside its text, never in it.
(native, require) => {
  "use strict";
  const { Buffer, binary } = require("buffer");
  const EventEmitter = require("events");

  // Where `postgres://user:password@host:port/database` leads.
  const parsed = (text) => {
    const parts = native.takeUrlApart(String(text).replace(/^(postgres(ql)?|tcp|pg):/, "http:"));
    if (!parts) throw new Error("the connection string is not one");
    const asked = new (require("url").URLSearchParams)(parts[7]);
    const [user, password] = [parts[2], parts[3]].map(decodeURIComponent);
    const ssl = asked.get("ssl") || asked.get("sslmode");
    return { host: parts[4] || undefined, port: Number(parts[5]) || undefined, database: decodeURIComponent(parts[6].slice(1)) || undefined, user: user || undefined, password: password || undefined, ssl: ssl === null ? undefined : !["disable", "false", "0"].includes(ssl) };
  };
  const configured = (given) => {
    const options = typeof given === "string" ? parsed(given) : given || {};
    const from = options.connectionString ? { ...options, ...parsed(options.connectionString) } : options;
    const config = { host: from.host || "localhost", port: Number(from.port) || 5432, database: from.database || from.user, user: from.user, password: typeof from.password === "function" ? from.password() : from.password, application: from.application_name };
    const { ssl } = from;
    if (ssl) config.tls = { verify: !(typeof ssl === "object" && ssl.rejectUnauthorized === false), ca: (typeof ssl === "object" && ssl.ca && String(ssl.ca)) || undefined };
    return config;
  };

  const literal = (value) => {
    if (value === null || value === undefined) return "NULL";
    if (Array.isArray(value)) return `{${value.map(literal).join(",")}}`;
    const text = value instanceof Date ? value.toISOString() : value instanceof Uint8Array ? `\\x${Buffer.from(value).toString("hex")}` : typeof value === "object" ? JSON.stringify(value) : String(value);
    return `"${text.replace(/[\\"]/g, "\\$&")}"`;
  };
  // Every value goes as the text that PostgreSQL reads as what the place asks for.
  const outgoing = (value) => {
    if (value === null || value === undefined) return null;
    if (typeof value.toPostgres === "function") return outgoing(value.toPostgres(outgoing));
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Uint8Array) return `\\x${native.decode(binary(value), "hex")}`;
    if (Array.isArray(value)) return literal(value);
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const incoming = (value) => {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(incoming);
    if (value.$date !== undefined) return new Date(value.$date);
    if (value.$bytes !== undefined) return Buffer.from(value.$bytes, "base64");
    if (value.$json !== undefined) return JSON.parse(value.$json);
    if (value.$number !== undefined) return Number(value.$number);
    return value;
  };
  class Result {
    constructor({ command, count, fields, rows }, asArrays) {
      this.command = command;
      this.rowCount = count;
      this.oid = null;
      this.fields = fields.map(([name, dataTypeID]) => ({ name, dataTypeID, tableID: 0, columnID: 0, format: "text" }));
      this.rows = rows.map((row) => {
        const values = row.map(incoming);
        if (asArrays) return values;
        const named = {};
        fields.forEach(([name], at) => (named[name] = values[at]));
        return named;
      });
    }
  }

  // A promise, or a callback where one is given.
  const answer = (promise, callback) => {
    if (typeof callback !== "function") return promise;
    promise.then((value) => setImmediate(callback, null, value), (error) => setImmediate(callback, error));
    return undefined;
  };
  const asked = (text, values, callback) => {
    if (typeof values === "function") [values, callback] = [undefined, values];
    const query = typeof text === "object" ? { ...text } : { text };
    query.values = values === undefined ? query.values : values;
    return [query, callback || query.callback];
  };
  const request = (method, what) => native.ask(method, JSON.stringify(what));

  class Client extends EventEmitter {
    constructor(given) {
      super();
      this.config = configured(given);
      Object.assign(this, { host: this.config.host, port: this.config.port, database: this.config.database, user: this.config.user, session: null, ended: false });
      Object.defineProperty(this, "queue", { value: Promise.resolve(), writable: true });
    }
    // One thing at a time, in the order asked for.
    inTurn(work) {
      const turn = this.queue.then(work);
      this.queue = turn.catch(() => {});
      return turn;
    }
    connect(callback) {
      const connected = this.inTurn(async () => {
        this.session = await request("pg.connect", this.config);
        this.emit("connect");
        return this;
      });
      return answer(connected, callback && ((error) => callback(error || null, error ? undefined : this, () => this.end())));
    }
    query(text, values, callback) {
      const [query, told] = asked(text, values, callback);
      const sent = this.inTurn(async () => {
        if (this.ended) throw new Error("Client was closed and is not queryable");
        if (this.session === null) throw new Error("the client is not connected: call connect() first");
        const found = await request("pg.query", { session: this.session, text: String(query.text), values: query.values && query.values.map(outgoing) });
        const results = found.map((one) => new Result(one, query.rowMode === "array"));
        return results.length === 1 ? results[0] : results;
      });
      const answered = answer(sent, told);
      if (answered) return answered;
      const events = new EventEmitter();
      sent.then((result) => {
        for (const row of [].concat(result).flatMap((one) => one.rows)) events.emit("row", row, result);
        events.emit("end", result);
      }, (error) => events.listenerCount("error") && events.emit("error", error));
      return events;
    }
    end(callback) {
      const ended = this.inTurn(async () => {
        if (!this.ended && this.session !== null) request("pg.end", { session: this.session }).catch(() => {});
        this.ended = true;
        this.emit("end");
      });
      return answer(ended, callback);
    }
    release(_destroy) {
      return this.end();
    }
    on(name, listener) {
      return super.on(name, listener);
    }
    escapeIdentifier(text) {
      return `"${String(text).replace(/"/g, '""')}"`;
    }
    escapeLiteral(text) {
      const quoted = String(text).replace(/'/g, "''");
      return quoted.includes("\\") ? ` E'${quoted.replace(/\\/g, "\\\\")}'` : `'${quoted}'`;
    }
  }
  // What it lends is a client; the gateway keeps the connection when the client is given back.
  class Pool extends EventEmitter {
    constructor(options) {
      super();
      this.options = options;
      Object.assign(this, { ended: false, totalCount: 0, idleCount: 0, waitingCount: 0 });
    }
    connect(callback) {
      const client = new Client(this.options);
      const connected = client.connect();
      if (typeof callback !== "function") return connected;
      connected.then(() => setImmediate(callback, null, client, () => client.end()), (error) => setImmediate(callback, error, undefined, () => {}));
      return undefined;
    }
    query(text, values, callback) {
      const [query, told] = asked(text, values, callback);
      const client = new Client(this.options);
      const sent = client.connect().then(() => client.query({ ...query, callback: undefined })).finally(() => client.end());
      return answer(sent, told);
    }
    end(callback) {
      this.ended = true;
      return answer(Promise.resolve(), callback);
    }
  }
  const types = { setTypeParser: () => {}, getTypeParser: () => (text) => text, builtins: {} };
  return {
    Client,
    Pool,
    Query: Result,
    types,
    defaults: {},
    escapeIdentifier: Client.prototype.escapeIdentifier,
    escapeLiteral: Client.prototype.escapeLiteral,
    // As it was before version 7: `pg.connect(where, (error, client, done) => …)`.
    connect: (where, callback) => new Pool(where).connect(callback),
    end: () => {},
  };
}
