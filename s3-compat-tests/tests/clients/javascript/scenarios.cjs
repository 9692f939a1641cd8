// Scenarios of the JavaScript SDK with its default settings against a running server: `node scenarios.cjs SCENARIO`, the server in the
// environment, the libraries in NODE_PATH.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { Readable } = require("node:stream");
const {
  S3Client, paginateListObjectsV2,
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand,
  DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectAttributesCommand, GetObjectCommand, HeadObjectCommand,
  ListObjectsV2Command, ListPartsCommand, PutObjectCommand, UploadPartCommand, UploadPartCopyCommand,
} = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

const MIB = 1024 * 1024;
const Bucket = "bucket";

/** Bytes that no compressor shrinks and no two seeds share. */
function body(size, seed = 0) {
  const key = crypto.createHash("sha256").update(String(seed)).digest();
  return crypto.createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

function same(left, right) {
  assert.equal(left.length, right.length);
  assert.ok(Buffer.compare(left, right) === 0, "bodies of the same length differ");
}

async function read(s3, Key, more = {}) {
  const answer = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from(await answer.Body.transformToByteArray());
}

const put = (s3, Key, Body, more = {}) => s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const head = (s3, Key, more = {}) => s3.send(new HeadObjectCommand({ Bucket, Key, ...more }));

async function refused(name, status, promise) {
  const error = await promise.then((answer) => assert.fail(`not refused: ${JSON.stringify(answer)}`), (error) => error);
  assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [name, status], String(error.stack));
  return error;
}

async function keysOf(s3, more = {}) {
  const pages = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, ...more })) {
    pages.push((page.Contents ?? []).map((entry) => entry.Key));
  }
  return pages;
}

/** Calls `work` for each item, 16 at a time. */
async function each(items, work) {
  const rest = items.values();
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (const item of rest) await work(item);
  }));
}

const scenarios = {
  async objects(s3) {
    for (const size of [0, 1, 1000, 64 * 1024 + 1, MIB, MIB + 1, 9 * MIB]) {
      const sent = body(size, size);
      const { ETag } = await put(s3, "key", sent);
      same(await read(s3, "key"), sent);
      const { ContentLength, ETag: headed, ContentType } = await head(s3, "key");
      assert.deepEqual([ContentLength, headed], [size, ETag]);
      assert.equal(ContentType, "application/octet-stream");
    }
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
    await refused("NoSuchKey", 404, read(s3, "key"));
    await refused("NotFound", 404, head(s3, "key"));
  },

  // A stream has no hash before it is sent: the body goes in unsigned chunks, the CRC32 behind it, in chunks of HTTP as well.
  async streams(s3) {
    for (const size of [0, 100, 3 * MIB]) {
      const sent = body(size, 1);
      await put(s3, "key", Readable.from(sent.length ? [sent.subarray(0, 70), sent.subarray(70)] : []), { ContentLength: size });
      same(await read(s3, "key"), sent);
      const { ChecksumCRC32, ChecksumType } = await head(s3, "key", { ChecksumMode: "ENABLED" });
      assert.match(ChecksumCRC32, /^[A-Za-z0-9+/]{6}==$/);
      assert.equal(ChecksumType, "FULL_OBJECT");
    }
  },

  async metadata(s3) {
    const sent = {
      Metadata: { mtime: "1700000000.5", spaces: "a b; c=d" }, ContentType: "text/plain", ContentEncoding: "gzip",
      CacheControl: "no-cache", ContentDisposition: 'attachment; filename="x"', ContentLanguage: "de, en", StorageClass: "STANDARD",
    };
    await put(s3, "key", "body", sent);
    const answer = await head(s3, "key");
    for (const name of Object.keys(sent).filter((name) => name !== "StorageClass")) assert.deepEqual(answer[name], sent[name], name);
    const override = await s3.send(new GetObjectCommand({ Bucket, Key: "key", ResponseContentType: "a/b" }));
    assert.equal(override.ContentType, "a/b");
    assert.equal(await override.Body.transformToString(), "body");
  },

  async ranges(s3) {
    for (const size of [1000, 3 * MIB]) {
      const sent = body(size, 1);
      await put(s3, "key", sent);
      for (const [Range, part] of [["0-0", sent.subarray(0, 1)], ["5-9", sent.subarray(5, 10)], ["-7", sent.subarray(-7)], ["900-", sent.subarray(900)]]) {
        const answer = await s3.send(new GetObjectCommand({ Bucket, Key: "key", Range: `bytes=${Range}` }));
        assert.equal(answer.$metadata.httpStatusCode, 206);
        assert.ok(answer.ContentRange.endsWith(`/${size}`), answer.ContentRange);
        same(Buffer.from(await answer.Body.transformToByteArray()), part);
      }
      await refused("InvalidRange", 416, read(s3, "key", { Range: `bytes=${size}-` }));
    }
  },

  async many_keys(s3) {
    const keys = Array.from({ length: 1100 }, (_, n) => `key ${String(n).padStart(4, "0")}`);
    await each(keys, (key) => put(s3, key, key));
    const pages = await keysOf(s3);
    assert.deepEqual(pages.map((page) => page.length), [1000, 100]);
    assert.deepEqual(pages.flat(), keys);
    assert.deepEqual((await keysOf(s3, { StartAfter: "key 1097" })).flat(), keys.slice(1098));
  },

  async odd_keys(s3) {
    const keys = ["x", "x/", "x/y", "x//y", "//", "/lead", "a b", "a+b", "a%2Fb", "a%", "<&>'\"", "a\\b", "?#", "~!@$^*()", "ü", "🦀", "日本/語", "k".repeat(1024)];
    keys.sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    for (const key of keys) await put(s3, key, key);
    for (const key of keys) same(await read(s3, key), Buffer.from(key));
    assert.deepEqual((await keysOf(s3)).flat(), keys);
    for (const key of keys) {
      await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent(key)}` }));
      same(await read(s3, "copy"), Buffer.from(key));
    }
  },

  async multipart(s3) {
    const parts = [body(5 * MIB, 1), body(7 * MIB, 2), body(10, 3)];
    const where = { Bucket, Key: "key" };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...where, ContentType: "x/y" }));
    const Parts = [];
    for (const [at, Body] of parts.entries()) {
      const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...where, UploadId, PartNumber: at + 1, Body }));
      Parts.push({ ETag, ChecksumCRC32, PartNumber: at + 1 });
    }
    const listed = await s3.send(new ListPartsCommand({ ...where, UploadId }));
    assert.deepEqual(listed.Parts.map((part) => [part.PartNumber, part.Size, part.ETag]), Parts.map((part, at) => [at + 1, parts[at].length, part.ETag]));
    assert.deepEqual((await keysOf(s3)).flat(), [], "an open upload is not listed");
    await s3.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts } }));
    same(await read(s3, "key"), Buffer.concat(parts));
    same(await read(s3, "key", { PartNumber: 2 }), parts[1]);

    const copy = { Bucket, Key: "copy" };
    const again = (await s3.send(new CreateMultipartUploadCommand(copy))).UploadId;
    const { CopyPartResult } = await s3.send(new UploadPartCopyCommand({ ...copy, UploadId: again, PartNumber: 1, CopySource: "bucket/key", CopySourceRange: "bytes=100-299" }));
    await s3.send(new CompleteMultipartUploadCommand({ ...copy, UploadId: again, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: CopyPartResult.ETag }] } }));
    same(await read(s3, "copy"), parts[0].subarray(100, 300));

    const gone = (await s3.send(new CreateMultipartUploadCommand(copy))).UploadId;
    await s3.send(new AbortMultipartUploadCommand({ ...copy, UploadId: gone }));
    await refused("NoSuchUpload", 404, s3.send(new ListPartsCommand({ ...copy, UploadId: gone })));
  },

  async upload(s3) {
    const sent = body(30 * MIB, 4);
    const done = await new Upload({ client: s3, params: { Bucket, Key: "key", Body: Readable.from([sent.subarray(0, MIB), sent.subarray(MIB)]), Metadata: { a: "b" } } }).done();
    assert.match(done.ETag, /-6"$/, "the default part is 5 MiB");
    same(await read(s3, "key"), sent);
    assert.deepEqual((await head(s3, "key")).Metadata, { a: "b" });
    await new Upload({ client: s3, params: { Bucket, Key: "small", Body: sent.subarray(0, 10) } }).done();
    same(await read(s3, "small"), sent.subarray(0, 10));
  },

  async copies(s3) {
    for (const size of [10, 3 * MIB]) {
      const sent = body(size, 5);
      await put(s3, "from", sent, { Metadata: { a: "1" }, ContentType: "x/y" });
      const { CopyObjectResult } = await s3.send(new CopyObjectCommand({ Bucket, Key: "to", CopySource: "/bucket/from" }));
      const to = await head(s3, "to");
      assert.deepEqual([to.Metadata, to.ContentType, to.ETag], [{ a: "1" }, "x/y", CopyObjectResult.ETag]);
      await s3.send(new CopyObjectCommand({ Bucket, Key: "from", CopySource: "bucket/from", MetadataDirective: "REPLACE", Metadata: { b: "2" } }));
      assert.deepEqual((await head(s3, "from")).Metadata, { b: "2" });
      for (const key of ["from", "to"]) same(await read(s3, key), sent);
    }
  },

  async delete_objects(s3) {
    const keys = Array.from({ length: 1000 }, (_, n) => `key & <${n}> ü`);
    await each(keys.slice(0, 40), (key) => put(s3, key, "x"));
    await put(s3, "kept", "kept");
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    assert.deepEqual(answer.Deleted.map((entry) => entry.Key).sort(), keys.toSorted());
    assert.equal(answer.Errors, undefined);
    assert.deepEqual((await keysOf(s3)).flat(), ["kept"]);
  },

  // A presigned PUT carries the CRC32 of an empty body in its query: a form of the SDK, and not about what is sent.
  async presigned(s3) {
    const Key = "a key/+ü";
    const sent = body(2000, 8);
    const upload = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 300 });
    const stored = await fetch(upload, { method: "PUT", body: sent });
    assert.equal(stored.status, 200, await stored.text());
    const download = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key, ResponseContentType: "a/b" }), { expiresIn: 300 });
    const answer = await fetch(download);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "a/b"]);
    same(Buffer.from(await answer.arrayBuffer()), sent);
    const other = await fetch(download.replace("/bucket/a", "/bucket/b"));
    assert.equal(other.status, 403);
    assert.match(await other.text(), /<Code>SignatureDoesNotMatch<\/Code>/);
  },

  // The SDK sends the list of attributes with a space behind its comma.
  async attributes(s3) {
    const { ETag, ChecksumCRC32 } = await put(s3, "key", body(2 * MIB, 9));
    const answer = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: "key", ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass"] }));
    assert.deepEqual([`"${answer.ETag}"`, answer.ObjectSize, answer.StorageClass], [ETag, 2 * MIB, "STANDARD"]);
    assert.equal(answer.Checksum.ChecksumCRC32, ChecksumCRC32);
  },

  async conditions(s3) {
    const { ETag } = await put(s3, "key", "one", { IfNoneMatch: "*" });
    await refused("PreconditionFailed", 412, put(s3, "key", "two", { IfNoneMatch: "*" }));
    await refused("PreconditionFailed", 412, put(s3, "key", "two", { IfMatch: '"no-1"' }));
    await refused("PreconditionFailed", 412, read(s3, "key", { IfMatch: '"no-1"' }));
    await put(s3, "key", "two", { IfMatch: ETag });
    assert.equal(String(await read(s3, "key")), "two");
    const racers = Array.from({ length: 8 }, (_, n) => put(s3, "race", String(n), { IfNoneMatch: "*" }));
    const ends = await Promise.allSettled(racers);
    const winners = ends.flatMap((end, n) => (end.status === "fulfilled" ? [String(n)] : []));
    assert.deepEqual(winners, [String(await read(s3, "race"))]);
  },

  async errors(s3) {
    const missing = await refused("NoSuchBucket", 404, s3.send(new ListObjectsV2Command({ Bucket: "missing" })));
    assert.ok(missing.$metadata.requestId, "an error carries the id of its request");
    await refused("NoSuchKey", 404, read(s3, "absent"));
    await refused("BucketAlreadyOwnedByYou", 409, s3.send(new CreateBucketCommand({ Bucket })));
    await put(s3, "key", "x");
    await refused("BucketNotEmpty", 409, s3.send(new DeleteBucketCommand({ Bucket })));
    await refused("BadDigest", 400, put(s3, "bad", "abc", { ChecksumCRC32: "AAAAAA==" }));
    await refused("SignatureDoesNotMatch", 403, put(client("wrong"), "bad", "abc"));
    await refused("NoSuchKey", 404, read(s3, "bad"));
  },
};

function client(secret = process.env.SECRET_KEY) {
  return new S3Client({
    endpoint: process.env.ENDPOINT,
    region: process.env.REGION,
    credentials: { accessKeyId: process.env.ACCESS_KEY, secretAccessKey: secret },
  });
}

async function main() {
  const s3 = client();
  await s3.send(new CreateBucketCommand({ Bucket }));
  await scenarios[process.argv[2]](s3);
  // What a scenario leaves behind must go by the ordinary way.
  for (const page of await keysOf(s3)) {
    if (page.length) await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: page.map((Key) => ({ Key })), Quiet: true } }));
  }
  await s3.send(new DeleteBucketCommand({ Bucket }));
  console.log("done");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
