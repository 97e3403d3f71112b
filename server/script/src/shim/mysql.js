// `mysql` and `mysql2`. Connections are the gateway's; values go beside the text of a statement, never in it.
(native, require) => {
  "use strict";
  const { Buffer, binary } = require("buffer");
  const EventEmitter = require("events");

  const parsed = (text) => {
    const parts = native.takeUrlApart(String(text).replace(/^(mysql|mariadb):/, "http:"));
    if (!parts) throw new Error("the connection string is not one");
    return { host: parts[4], port: Number(parts[5]) || undefined, user: decodeURIComponent(parts[2]), password: decodeURIComponent(parts[3]), database: decodeURIComponent(parts[6].slice(1)) };
  };
  const configured = (given) => {
    const options = typeof given === "string" ? parsed(given) : given && given.uri ? { ...given, ...parsed(given.uri) } : given || {};
    const config = { host: options.host || "localhost", port: Number(options.port) || 3306, user: options.user, password: options.password, database: options.database };
    const { ssl } = options;
    if (ssl) config.tls = { verify: !(typeof ssl === "object" && ssl.rejectUnauthorized === false), ca: (typeof ssl === "object" && ssl.ca && String(ssl.ca)) || undefined };
    return [config, { dateStrings: Boolean(options.dateStrings), namedPlaceholders: Boolean(options.namedPlaceholders), multiple: Boolean(options.multipleStatements) }];
  };

  const escapeId = (name, noQualifier) => (Array.isArray(name) ? name.map((one) => escapeId(one, noQualifier)).join(", ") : `\`${String(name).replace(/`/g, "``")}\``.replace(/\./g, noQualifier ? "." : "`.`"));
  const escapes = { "\0": "\\0", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\u001a": "\\Z", '"': '\\"', "'": "\\'", "\\": "\\\\" };
  const escape = (value) => {
    if (value === null || value === undefined) return "NULL";
    if (typeof value === "boolean" || typeof value === "number" || typeof value === "bigint") return String(value);
    if (value instanceof Date) return escape(value.toISOString().replace("T", " ").replace("Z", ""));
    if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString("hex")}'`;
    if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? `(${escape(one)})` : escape(one))).join(", ");
    if (typeof value.toSqlString === "function") return value.toSqlString();
    if (typeof value === "object") return Object.entries(value).filter(([, one]) => typeof one !== "function").map(([name, one]) => `${escapeId(name)} = ${escape(one)}`).join(", ");
    // eslint-disable-next-line no-control-regex
    return `'${String(value).replace(/[\0\b\t\n\r\u001a"'\\]/g, (character) => escapes[character])}'`;
  };
  const outgoing = (value) => {
    if (value === undefined || value === null) return null;
    if (value instanceof Date) return value.toISOString().replace("T", " ").replace("Z", "");
    if (value instanceof Uint8Array) return { $bytes: native.decode(binary(value), "base64") };
    if (typeof value === "bigint") return String(value);
    return typeof value === "number" || typeof value === "boolean" ? value : String(value);
  };
  // `?` that is in no text, name or comment, with what each stands for: lists and objects become as many places as they have
  // values, `??` a name.
  const PLACES = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|--[ \t][^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|\?\??/g;
  const place = (text, values) => {
    const given = values === undefined ? [] : Array.isArray(values) ? values : [values];
    const [sent, rest] = [[], [...given]];
    const places = (value) => {
      if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? `(${places(one)})` : places(one))).join(", ");
      if (value !== null && typeof value === "object" && typeof value.toSqlString === "function") return value.toSqlString();
      if (value !== null && typeof value === "object" && !(value instanceof Date) && !(value instanceof Uint8Array)) return Object.entries(value).filter(([, one]) => typeof one !== "function").map(([name, one]) => `${escapeId(name)} = ${places(one)}`).join(", ");
      sent.push(outgoing(value));
      return "?";
    };
    const placed = text.replace(PLACES, (found) => {
      if (found[0] !== "?" || rest.length === 0) return found;
      const value = rest.shift();
      return found === "??" ? escapeId(value) : places(value);
    });
    return [placed, sent];
  };
  const named = (text, values) => {
    const given = [];
    const placed = text.replace(/:([A-Za-z_]\w*)/g, (_found, name) => {
      given.push(values[name]);
      return "?";
    });
    return [placed, given];
  };
  const incoming = (value, options) => {
    if (value === null || typeof value !== "object") return value;
    if (value.$date !== undefined) return options.dateStrings ? value.$text : new Date(value.$date);
    if (value.$bytes !== undefined) return Buffer.from(value.$bytes, "base64");
    if (value.$number !== undefined) return Number(value.$number);
    return value;
  };
  const request = (method, what) => native.ask(method, JSON.stringify(what));
  const asked = (text, values, callback) => {
    if (typeof values === "function") [values, callback] = [undefined, values];
    const query = typeof text === "object" ? { ...text } : { sql: text };
    return [{ ...query, values: values === undefined ? query.values : values }, callback];
  };

  // What all connections do, by promises.
  class Line extends EventEmitter {
    constructor(given) {
      super();
      [this.config, this.settings] = configured(given);
      Object.assign(this, { session: null, threadId: null, state: "disconnected" });
      Object.defineProperty(this, "queue", { value: Promise.resolve(), writable: true });
    }
    inTurn(work) {
      const turn = this.queue.then(work);
      this.queue = turn.catch(() => {});
      return turn;
    }
    async open() {
      if (this.state === "ended") throw Object.assign(new Error("Cannot enqueue Query after invoking quit."), { code: "PROTOCOL_ENQUEUE_AFTER_QUIT", fatal: true });
      if (this.session !== null) return;
      this.session = await request("mysql.connect", this.config);
      this.state = "connected";
    }
    connected() {
      return this.inTurn(() => this.open());
    }
    queried({ sql, values }) {
      return this.inTurn(async () => {
        await this.open();
        const isNamed = this.settings.namedPlaceholders && values && !Array.isArray(values) && typeof values === "object";
        const [text, sent] = place(...(isNamed ? named(sql, values) : [sql, values]));
        const found = await request("mysql.query", { session: this.session, text, values: sent });
        if (!found.fields) return [{ fieldCount: 0, affectedRows: found.affected, insertId: found.insertId, changedRows: found.affected, warningCount: found.warnings, serverStatus: 2, message: "", protocol41: true }, undefined];
        const fields = found.fields.map(([name, type, table]) => ({ name, type, columnType: type, orgName: name, table, db: this.config.database }));
        const rows = found.rows.map((row) => {
          const one = {};
          fields.forEach(({ name }, at) => (one[name] = incoming(row[at], this.settings)));
          return one;
        });
        return [rows, fields];
      });
    }
    closed() {
      return this.inTurn(async () => {
        if (this.session !== null) request("mysql.end", { session: this.session }).catch(() => {});
        [this.session, this.state] = [null, "ended"];
      });
    }
    escape(value) {
      return escape(value);
    }
    escapeId(name) {
      return escapeId(name);
    }
    format(text, values) {
      return format(text, values);
    }
  }
  const format = (text, values) => {
    const rest = values === undefined ? [] : Array.isArray(values) ? [...values] : [values];
    return text.replace(/\?\??/g, (found) => (rest.length === 0 ? found : found === "??" ? escapeId(rest.shift()) : escape(rest.shift())));
  };

  const told = (promise, callback, spread) => {
    promise.then(
      (value) => callback && setImmediate(() => (spread ? callback(null, ...value) : callback(null, value))),
      (error) => callback && setImmediate(callback, error),
    );
  };
  // With callbacks, and with events where there is none.
  class Connection extends Line {
    connect(options, callback) {
      told(this.connected(), typeof options === "function" ? options : callback || ((error) => error && this.listenerCount("error") && this.emit("error", error)));
    }
    query(text, values, callback) {
      const [query, back] = asked(text, values, callback);
      const events = new EventEmitter();
      events.sql = query.sql;
      const sent = this.queried(query);
      if (back) told(sent, back, true);
      else {
        sent.then(([rows, fields]) => {
          if (fields) events.emit("fields", fields);
          for (const row of [].concat(rows)) events.emit("result", row, 0);
          events.emit("end");
        }, (error) => {
          if (events.listenerCount("error")) events.emit("error", error);
          events.emit("end");
        });
      }
      return events;
    }
    execute(text, values, callback) {
      return this.query(text, values, callback);
    }
    beginTransaction(callback) {
      this.query("START TRANSACTION", (error) => callback && callback(error));
    }
    commit(callback) {
      this.query("COMMIT", (error) => callback && callback(error));
    }
    rollback(callback) {
      this.query("ROLLBACK", (error) => callback && callback(error));
    }
    ping(callback) {
      this.query("SELECT 1", (error) => callback && callback(error));
    }
    end(callback) {
      told(this.closed(), callback);
    }
    destroy() {
      this.end();
    }
    release() {
      this.end();
    }
    promise() {
      return new Promised(this);
    }
  }
  class Pool extends EventEmitter {
    constructor(given) {
      super();
      this.given = given;
    }
    getConnection(callback) {
      const connection = new Connection(this.given);
      connection.connect((error) => callback(error, error ? undefined : connection));
    }
    query(text, values, callback) {
      const connection = new Connection(this.given);
      const sent = connection.query(text, values, callback);
      connection.end();
      return sent;
    }
    execute(text, values, callback) {
      return this.query(text, values, callback);
    }
    end(callback) {
      if (callback) setImmediate(callback, null);
    }
    escape(value) {
      return escape(value);
    }
    escapeId(name) {
      return escapeId(name);
    }
    format(text, values) {
      return format(text, values);
    }
    promise() {
      return new PromisedPool(this.given);
    }
  }
  // `mysql2/promise`.
  class Promised {
    constructor(line) {
      this.connection = line;
    }
    connect() {
      return this.connection.connected();
    }
    query(text, values) {
      return this.connection.queried(asked(text, values)[0]);
    }
    execute(text, values) {
      return this.query(text, values);
    }
    beginTransaction() {
      return this.query("START TRANSACTION").then(() => {});
    }
    commit() {
      return this.query("COMMIT").then(() => {});
    }
    rollback() {
      return this.query("ROLLBACK").then(() => {});
    }
    ping() {
      return this.query("SELECT 1").then(() => {});
    }
    end() {
      return this.connection.closed();
    }
    release() {
      this.connection.end();
    }
    destroy() {
      this.connection.end();
    }
    escape(value) {
      return escape(value);
    }
    escapeId(name) {
      return escapeId(name);
    }
    format(text, values) {
      return format(text, values);
    }
  }
  class PromisedPool {
    constructor(given) {
      this.given = given;
    }
    async getConnection() {
      const promised = new Promised(new Connection(this.given));
      await promised.connect();
      return promised;
    }
    query(text, values) {
      const promised = new Promised(new Connection(this.given));
      const sent = promised.query(text, values);
      promised.end();
      return sent;
    }
    execute(text, values) {
      return this.query(text, values);
    }
    async end() {}
  }
  const createConnection = (given) => new Connection(given);
  const createPool = (given) => new Pool(given);
  return {
    createConnection,
    createPool,
    Connection,
    Pool,
    escape,
    escapeId,
    format,
    raw: (text) => ({ toSqlString: () => text }),
    promises: {
      createConnection: async (given) => {
        const promised = new Promised(new Connection(given));
        await promised.connect();
        return promised;
      },
      createPool: (given) => new PromisedPool(given),
      escape,
      escapeId,
      format,
    },
  };
}
