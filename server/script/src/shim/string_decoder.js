// `string_decoder` of Node.js: characters that come in pieces.
(native, require) => {
  "use strict";
  const { Buffer } = require("buffer");
  class StringDecoder {
    constructor(encoding = "utf8") {
      this.encoding = encoding;
      this.rest = Buffer.alloc(0);
    }
    // Bytes at the end that may be the beginning of more.
    pending(bytes) {
      if (/^base64/i.test(this.encoding)) return bytes.length % 3;
      if (/^(utf-?16|ucs)/i.test(this.encoding)) return bytes.length % 2;
      if (!/^utf-?8$/i.test(this.encoding)) return 0;
      for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
        const byte = bytes[bytes.length - back];
        if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
        if (byte < 0x80) return 0;
      }
      return 0;
    }
    write(bytes) {
      const all = Buffer.concat([this.rest, typeof bytes === "string" ? Buffer.from(bytes) : bytes]);
      const end = all.length - this.pending(all);
      this.rest = Buffer.from(all.subarray(end));
      return all.toString(this.encoding, 0, end);
    }
    end(bytes) {
      const text = (bytes ? this.write(bytes) : "") + this.rest.toString(this.encoding);
      this.rest = Buffer.alloc(0);
      return text;
    }
  }
  return { StringDecoder };
}
