// A service in JavaScript without a package: HTTP, three connections, and PostgreSQL's own protocol with its SCRAM login.
// `node service.js PORT postgresql://user:password@host:port/database`
"use strict";
const { createHash, createHmac, pbkdf2Sync, randomBytes } = require("node:crypto");
const http = require("node:http");
const net = require("node:net");

const [port, address] = process.argv.slice(2);
const url = new URL(address);
const [user, password] = [url.username, url.password].map(decodeURIComponent);
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const int32 = (number) => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(number); return bytes; };
const framed = (body) => Buffer.concat([int32(body.length + 4), body]);
const message = (kind, ...parts) => Buffer.concat([Buffer.from(kind), framed(Buffer.concat(parts.map((part) => Buffer.from(part))))]);

class Connection {
  constructor() {
    this.buffer = Buffer.alloc(0);
    this.socket = net.connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.socket.on("connect", () => this.socket.write(framed(Buffer.concat(
      [int32(196608), Buffer.from(`user\0${user}\0database\0${decodeURIComponent(url.pathname.slice(1))}\0\0`)]))));
    this.socket.on("data", (chunk) => this.take(chunk));
    this.socket.on("error", (error) => this.end(error));
    this.socket.on("close", () => this.end(new Error("the connection was closed")));
    this.ready = this.answer();  // as after a query, the server says when it is ready
  }
  answer() { return new Promise((resolve, reject) => { Object.assign(this, { resolve, reject, row: null, failed: null }); }); }
  query(sql) {
    const answer = this.answer();
    if (this.gone) this.reject(new Error("the connection was closed while it was idle"));
    else this.socket.write(message("Q", `${sql}\0`));
    return answer;
  }
  end(error) { this.gone = true; this.socket.destroy(); this.reject(error); }
  take(chunk) {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    while (this.buffer.length >= 5 && this.buffer.length > this.buffer.readInt32BE(1)) {
      const end = 1 + this.buffer.readInt32BE(1);
      this.heed(String.fromCharCode(this.buffer[0]), this.buffer.subarray(5, end));
      this.buffer = this.buffer.subarray(end);
    }
  }
  heed(kind, body) {
    if (kind === "R") this.logIn(body.readInt32BE(0), body.subarray(4).toString());
    else if (kind === "D") this.row = body.subarray(6, 6 + body.readInt32BE(2)).toString();
    else if (kind === "E") this.failed = new Error(body.toString().replaceAll("\0", " "));
    else if (kind === "Z") this.failed ? this.reject(this.failed) : this.resolve(this.row);
  }
  logIn(step, said) {
    if (step === 10) {
      this.first = `n=,r=${randomBytes(18).toString("base64")}`;
      this.socket.write(message("p", "SCRAM-SHA-256\0", int32(this.first.length + 3), `n,,${this.first}`));
    } else if (step === 11) {
      const [nonce, salt, rounds] = said.split(",").map((part) => part.slice(2));
      const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(rounds), 32, "sha256");
      const key = hmac(salted, "Client Key");
      const final = `c=biws,r=${nonce}`;
      const signature = hmac(createHash("sha256").update(key).digest(), `${this.first},${said},${final}`);
      this.socket.write(message("p", `${final},p=${key.map((byte, at) => byte ^ signature[at]).toString("base64")}`));
    } else if (step !== 0 && step !== 12) this.end(new Error(`login ${step} is not known here`));
  }
}

const idle = [], waiting = [];
let room = 3;
async function take() {
  if (idle.length) return idle.pop();
  if (room === 0) return new Promise((resolve) => waiting.push(resolve));
  room -= 1;
  return new Connection();
}
function giveBack(connection) {
  if (connection.gone) { room += 1; if (waiting.length) take().then(waiting.shift()); }
  else if (waiting.length) waiting.shift()(connection);
  else idle.push(connection);
}
http.createServer(async (request, response) => {
  const connection = await take();
  try {
    await connection.ready;
    response.end(await connection.query("SELECT 41 + 1"));
  } catch (error) {
    response.writeHead(503).end(error.message);
  } finally {
    giveBack(connection);
  }
}).listen(Number(port), "127.0.0.1");
