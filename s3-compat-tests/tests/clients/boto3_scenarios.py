"""Scenarios of boto3 with its default settings against a running server: `boto3_scenarios.py SCENARIO`, the server in the environment."""

import base64
import hashlib
import io
import os
import random
import sys
import threading
import urllib.error
import urllib.request
import zlib

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
BUCKET = "bucket"


def client(**config):
    return boto3.client(
        "s3",
        endpoint_url=os.environ["ENDPOINT"],
        aws_access_key_id=os.environ["ACCESS_KEY"],
        aws_secret_access_key=os.environ["SECRET_KEY"],
        region_name=os.environ["REGION"],
        config=Config(**config) if config else None,
    )


def body(size, seed=0):
    return random.Random(seed).randbytes(size)


def same(left, right):
    assert len(left) == len(right), f"{len(left)} bytes, not {len(right)}"
    assert left == right, "bodies of the same length differ"


def read(s3, key, **arguments):
    return s3.get_object(Bucket=BUCKET, Key=key, **arguments)["Body"].read()


def refused(code, status, call, *positional, **arguments):
    try:
        answer = call(*positional, **arguments)
    except ClientError as error:
        said = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert said == (code, status), f"{said}, not {(code, status)}: {error}"
        return error.response
    raise AssertionError(f"not refused with {code}: {answer}")


def objects(s3):
    for size in (0, 1, 1000, 64 * 1024 + 1, MIB, MIB + 1, 9 * MIB):
        sent = body(size, size)
        put = s3.put_object(Bucket=BUCKET, Key=f"size/{size}", Body=sent)
        same(read(s3, f"size/{size}"), sent)
        head = s3.head_object(Bucket=BUCKET, Key=f"size/{size}")
        assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"]), head
        assert head["ContentType"] == "binary/octet-stream", head
    s3.delete_object(Bucket=BUCKET, Key="size/1")
    refused("NoSuchKey", 404, s3.get_object, Bucket=BUCKET, Key="size/1")
    refused("404", 404, s3.head_object, Bucket=BUCKET, Key="size/1")
    s3.delete_object(Bucket=BUCKET, Key="size/1")


def streams(s3):
    class Stream(io.RawIOBase):
        """A file that can be read and sought, and has no length of its own."""

        def __init__(self, content):
            self.content = io.BytesIO(content)

        def readable(self):
            return True

        def seekable(self):
            return True

        def read(self, size=-1):
            return self.content.read(min(size, 10_007) if size >= 0 else size)

        def seek(self, offset, whence=0):
            return self.content.seek(offset, whence)

        def tell(self):
            return self.content.tell()

    for size in (100, 3 * MIB):
        sent = body(size)
        s3.put_object(Bucket=BUCKET, Key="put", Body=Stream(sent))
        same(read(s3, "put"), sent)
        s3.upload_fileobj(io.BytesIO(sent), BUCKET, "upload")
        received = io.BytesIO()
        s3.download_fileobj(BUCKET, "upload", received)
        same(received.getvalue(), sent)
    chunks = list(s3.get_object(Bucket=BUCKET, Key="put")["Body"].iter_chunks(1000))
    same(b"".join(chunks), sent)


def metadata(s3):
    s3.put_object(
        Bucket=BUCKET,
        Key="key",
        Body=b"body",
        Metadata={"mtime": "1700000000.5", "spaces": "a  b; c=d", "empty": ""},
        ContentType="text/plain",
        ContentEncoding="gzip",
        CacheControl="no-cache",
        ContentDisposition='attachment; filename="x"',
        ContentLanguage="de, en",
        StorageClass="STANDARD",
    )
    head = s3.head_object(Bucket=BUCKET, Key="key")
    assert head["Metadata"]["mtime"] == "1700000000.5", head
    assert head["Metadata"]["spaces"].replace("  ", " ") == "a b; c=d", head
    assert head["Metadata"]["empty"] == "", head
    expected = ("text/plain", "gzip", "no-cache", 'attachment; filename="x"', "de, en")
    names = ("ContentType", "ContentEncoding", "CacheControl", "ContentDisposition", "ContentLanguage")
    assert tuple(head[name] for name in names) == expected, head
    override = s3.get_object(Bucket=BUCKET, Key="key", ResponseContentType="a/b", ResponseCacheControl="x")
    assert (override["ContentType"], override["CacheControl"]) == ("a/b", "x"), override
    two_kib = {"x": "v" * 2047}
    s3.put_object(Bucket=BUCKET, Key="full", Metadata=two_kib)
    assert s3.head_object(Bucket=BUCKET, Key="full")["Metadata"] == two_kib
    refused("MetadataTooLarge", 400, s3.put_object, Bucket=BUCKET, Key="over", Metadata={"x": "v" * 2048})


def ranges(s3):
    for size in (1000, 3 * MIB):
        sent = body(size, 1)
        s3.put_object(Bucket=BUCKET, Key="key", Body=sent)
        for asked, part in (("0-0", sent[:1]), ("5-9", sent[5:10]), ("-7", sent[-7:]), ("900-", sent[900:])):
            answer = s3.get_object(Bucket=BUCKET, Key="key", Range=f"bytes={asked}")
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
            assert answer["ContentRange"].endswith(f"/{size}"), answer["ContentRange"]
            same(answer["Body"].read(), part)
        refused("InvalidRange", 416, s3.get_object, Bucket=BUCKET, Key="key", Range=f"bytes={size}-")
        same(read(s3, "key", Range="bytes=oranges"), sent)


def listing(s3):
    keys = sorted([f"dir{d:02}/file{f:03}" for d in range(13) for f in range(10)] + ["top1", "top2"])
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key)
    for version in ("list_objects_v2", "list_objects"):
        for size in (1, 7, 1000):
            pages = s3.get_paginator(version).paginate(Bucket=BUCKET, PaginationConfig={"PageSize": size})
            assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == keys, (version, size)
            pages = list(s3.get_paginator(version).paginate(Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": size}))
            prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
            assert prefixes == [f"dir{d:02}/" for d in range(13)], (version, size, prefixes)
            assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == ["top1", "top2"]
    page = s3.list_objects_v2(Bucket=BUCKET, Prefix="dir03/", Delimiter="/", StartAfter="dir03/file004")
    assert [entry["Key"][-3:] for entry in page["Contents"]] == ["005", "006", "007", "008", "009"], page
    assert (page["KeyCount"], page["IsTruncated"], page["Prefix"]) == (5, False, "dir03/"), page
    assert s3.list_objects_v2(Bucket=BUCKET, MaxKeys=0)["KeyCount"] == 0
    entry = s3.list_objects_v2(Bucket=BUCKET, Prefix="top1")["Contents"][0]
    assert entry["ETag"] == s3.head_object(Bucket=BUCKET, Key="top1")["ETag"], entry
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket=BUCKET, ContinuationToken="not a token")


def many_keys(s3):
    keys = [f"key {n:04}" for n in range(1100)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for version in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(version).paginate(Bucket=BUCKET))
        assert [len(page["Contents"]) for page in pages] == [1000, 100], version
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys, version


def odd_keys(s3):
    keys = ["x", "x/", "x/y", "x//y", "//", "/lead", " ", "a b", "a+b", "a%2Fb", "a%", "<&>'\"", "a\\b", "?#", "~!@$^*()", "ü", "🦀", "日本/語"]
    keys += ["tab\t", "line\n", "\x01\x02", "\x7f", "k" * 1024]
    keys.sort(key=lambda key: key.encode())
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for key in keys:
        same(read(s3, key), key.encode())
    # boto3 asks for encoding-type=url by itself and undoes it.
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 5})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    pages = s3.get_paginator("list_objects").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 5})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    for key in keys:
        s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": key})
        same(read(s3, "copy"), key.encode())


def delete_objects(s3):
    keys = [f"key & <{n}> ü" for n in range(1000)]
    for key in keys[:50]:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    s3.put_object(Bucket=BUCKET, Key="kept", Body=b"kept")
    s3.put_object(Bucket=BUCKET, Key=keys[50], Body=body(2 * MIB))
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == sorted(keys)
    assert "Errors" not in answer, answer["Errors"]
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["kept"]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "kept"}], "Quiet": True})
    assert "Deleted" not in answer and "Errors" not in answer, answer
    too_many = [{"Key": f"{n}"} for n in range(1001)]
    refused("MalformedXML", 400, s3.delete_objects, Bucket=BUCKET, Delete={"Objects": too_many})


def upload_file(s3):
    sent = body(30 * MIB, 3)
    path = os.path.join(os.environ["SCRATCH"], "upload")
    with open(path, "wb") as file:
        file.write(sent)
    s3.upload_file(path, BUCKET, "large", ExtraArgs={"Metadata": {"a": "b"}})
    s3.download_file(BUCKET, "large", path + ".back")
    with open(path + ".back", "rb") as file:
        same(file.read(), sent)
    head = s3.head_object(Bucket=BUCKET, Key="large")
    assert head["Metadata"] == {"a": "b"} and head["ETag"].endswith('-4"'), head
    s3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "copied")
    same(read(s3, "copied"), sent)


def multipart(s3):
    parts = [body(5 * MIB, 1), body(7 * MIB, 2), body(10, 3)]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="key", ContentType="x/y")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "key", "UploadId": upload}
    done = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(PartNumber=number, Body=part, **where)
        done.append({name: answer[name] for name in ("ETag", "ChecksumCRC32") if name in answer} | {"PartNumber": number})
    listed = s3.list_parts(**where)["Parts"]
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed] == [
        (number, len(part), done[number - 1]["ETag"]) for number, part in enumerate(parts, 1)
    ]
    open_uploads = s3.list_multipart_uploads(Bucket=BUCKET, Prefix="ke")["Uploads"]
    assert [(entry["Key"], entry["UploadId"]) for entry in open_uploads] == [("key", upload)]
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    first = s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **where)
    same(read(s3, "key"), b"".join(parts))
    same(read(s3, "key", PartNumber=2), parts[1])
    head = s3.head_object(Bucket=BUCKET, Key="key", PartNumber=1)
    assert (head["PartsCount"], head["ContentLength"], head["ContentType"]) == (3, 5 * MIB, "x/y"), head
    assert s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **where)["ETag"] == first["ETag"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    refused("NoSuchUpload", 404, s3.list_parts, **where)


def part_copy(s3):
    source = body(11 * MIB, 5)
    etag = s3.put_object(Bucket=BUCKET, Key="source + ü", Body=source)["ETag"]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="key")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "key", "UploadId": upload, "CopySource": {"Bucket": BUCKET, "Key": "source + ü"}}
    first = s3.upload_part_copy(PartNumber=1, CopySourceIfMatch=etag, **where)["CopyPartResult"]
    second = s3.upload_part_copy(PartNumber=2, CopySourceRange="bytes=100-299", **where)["CopyPartResult"]
    refused("PreconditionFailed", 412, s3.upload_part_copy, PartNumber=3, CopySourceIfMatch='"no-1"', **where)
    refused("InvalidArgument", 400, s3.upload_part_copy, PartNumber=3, CopySourceRange="bytes=5-99999999", **where)
    del where["CopySource"]
    parts = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in ((1, first), (2, second))]
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    same(read(s3, "key"), source + source[100:300])


def copies(s3):
    for size in (10, 3 * MIB):
        sent = body(size, 6)
        s3.put_object(Bucket=BUCKET, Key="from", Body=sent, Metadata={"a": "1"}, ContentType="x/y")
        s3.copy_object(Bucket=BUCKET, Key="to", CopySource=f"/{BUCKET}/from")
        head = s3.head_object(Bucket=BUCKET, Key="to")
        assert (head["Metadata"], head["ContentType"]) == ({"a": "1"}, "x/y"), head
        same(read(s3, "to"), sent)
        s3.copy_object(Bucket=BUCKET, Key="from", CopySource=f"{BUCKET}/from", MetadataDirective="REPLACE", Metadata={"b": "2"})
        assert s3.head_object(Bucket=BUCKET, Key="from")["Metadata"] == {"b": "2"}
        same(read(s3, "from"), sent)


def presigned(s3):
    def fetch(url, method="GET", data=None, headers={}):
        # A type that urllib would make up is part of what version 2 signs.
        headers = {"Content-Type": ""} | headers if data else headers
        request = urllib.request.Request(url, method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    key = "a key/+ü"
    content = body(2000, 8)
    # Of itself boto3 signs URLs of other endpoints with version 2.
    for config in ({}, {"signature_version": "s3v4"}):
        signer = client(**config)
        said = {"Bucket": BUCKET, "Key": key}
        put = signer.generate_presigned_url("put_object", said | {"Metadata": {"a": "b c"}}, ExpiresIn=300)
        assert ("AWSAccessKeyId=" in put) == (not config), put
        # Version 4 signs the metadata as headers to be sent; version 2 puts them into the query.
        headers = {"x-amz-meta-a": "b c"} if config else {}
        status, answer = fetch(put, "PUT", content, headers)
        assert status == 200, answer
        get = signer.generate_presigned_url("get_object", said | {"ResponseContentType": "a/b; c=d"}, ExpiresIn=300)
        assert fetch(get) == (200, content)
        assert s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] == {"a": "b c"}
        for other in (get.replace("/bucket/a", "/bucket/b"), get.replace("a%2Fb", "a%2Fc")):
            status, answer = fetch(other)
            assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in answer, answer
        s3.delete_object(Bucket=BUCKET, Key=key)


def attributes(s3):
    sent = body(2 * MIB, 9)
    put = s3.put_object(Bucket=BUCKET, Key="key", Body=sent, ChecksumAlgorithm="SHA256")
    wanted = ["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    answer = s3.get_object_attributes(Bucket=BUCKET, Key="key", ObjectAttributes=wanted)
    assert answer["ETag"] == put["ETag"].strip('"'), answer
    assert (answer["ObjectSize"], answer["StorageClass"]) == (2 * MIB, "STANDARD"), answer
    assert answer["Checksum"]["ChecksumSHA256"] == put["ChecksumSHA256"], answer
    assert "ObjectParts" not in answer, answer
    refused("NoSuchKey", 404, s3.get_object_attributes, Bucket=BUCKET, Key="absent", ObjectAttributes=wanted)


def checksums(s3):
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        for size in (10, 2 * MIB):
            put = s3.put_object(Bucket=BUCKET, Key="key", Body=body(size), ChecksumAlgorithm=algorithm)
            head = s3.head_object(Bucket=BUCKET, Key="key", ChecksumMode="ENABLED")
            assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"], head
    refused("BadDigest", 400, s3.put_object, Bucket=BUCKET, Key="bad", Body=b"abc", ChecksumCRC32="AAAAAA==")
    refused("BadDigest", 400, s3.put_object, Bucket=BUCKET, Key="bad", Body=b"abc", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    refused("InvalidDigest", 400, s3.put_object, Bucket=BUCKET, Key="bad", Body=b"abc", ContentMD5="nonsense")
    refused("NoSuchKey", 404, s3.get_object, Bucket=BUCKET, Key="bad")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="bad")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "bad", "UploadId": upload, "PartNumber": 1, "Body": b"abc"}
    refused("BadDigest", 400, s3.upload_part, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==", **where)
    refused("BadDigest", 400, s3.upload_part, ChecksumSHA1="A" * 27 + "=", **where)
    s3.upload_part(ContentMD5="kAFQmDzST7DWlj99KOF/cg==", **where)
    s3.abort_multipart_upload(Bucket=BUCKET, Key="bad", UploadId=upload)


def multipart_checksums(s3):
    parts = [body(5 * MIB, 1), body(1000, 2)]
    names = ("ChecksumCRC32", "ChecksumSHA1", "ChecksumSHA256")

    def upload(part_arguments, **create):
        where = {"Bucket": BUCKET, "Key": "key"}
        where["UploadId"] = s3.create_multipart_upload(**where, **create)["UploadId"]
        done = []
        for number, part in enumerate(parts, 1):
            answer = s3.upload_part(PartNumber=number, Body=part, **where, **part_arguments)
            done.append({name: answer[name] for name in ("ETag", *names) if name in answer} | {"PartNumber": number})
        return where, done

    def head():
        return s3.head_object(Bucket=BUCKET, Key="key", ChecksumMode="ENABLED")

    # As by default: Create names no algorithm, each part has a CRC32, and Complete passes it on.
    where, done = upload({})
    assert all("ChecksumCRC32" in part for part in done), done
    answer = s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **where)
    crc = base64.b64encode(zlib.crc32(b"".join(parts)).to_bytes(4, "big")).decode()
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (crc, "FULL_OBJECT"), answer
    assert (head()["ChecksumCRC32"], head()["ChecksumType"]) == (crc, "FULL_OBJECT"), head()
    same(read(s3, "key", ChecksumMode="ENABLED"), b"".join(parts))

    where, done = upload({"ChecksumAlgorithm": "SHA256"}, ChecksumAlgorithm="SHA256")
    listed = s3.list_parts(**where)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("SHA256", "COMPOSITE"), listed
    assert [part["ChecksumSHA256"] for part in listed["Parts"]] == [part["ChecksumSHA256"] for part in done], listed
    refused("InvalidRequest", 400, s3.upload_part, PartNumber=3, Body=b"x", ChecksumAlgorithm="CRC32", **where)
    wrong = [done[0], done[1] | {"ChecksumSHA256": done[0]["ChecksumSHA256"]}]
    refused("InvalidPart", 400, s3.complete_multipart_upload, MultipartUpload={"Parts": wrong}, **where)
    refused("InvalidRequest", 400, s3.complete_multipart_upload, MultipartUpload={"Parts": done}, MpuObjectSize=7, **where)
    composite = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
    composite = base64.b64encode(composite).decode()
    given = {"ChecksumSHA256": "A" * 43 + "="}
    refused("BadDigest", 400, s3.complete_multipart_upload, MultipartUpload={"Parts": done}, **given, **where)
    answer = s3.complete_multipart_upload(MultipartUpload={"Parts": done}, ChecksumSHA256=composite, **where)
    assert (answer["ChecksumSHA256"], answer["ChecksumType"]) == (composite + "-2", "COMPOSITE"), answer
    assert (head()["ChecksumSHA256"], head()["ChecksumType"]) == (composite + "-2", "COMPOSITE"), head()
    # boto3 leaves a composite alone; a range has none.
    same(read(s3, "key", ChecksumMode="ENABLED"), b"".join(parts))
    part = s3.get_object(Bucket=BUCKET, Key="key", Range="bytes=0-9", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in part and part["Body"].read() == parts[0][:10], part
    found = s3.get_object_attributes(Bucket=BUCKET, Key="key", ObjectAttributes=["Checksum", "ObjectParts"])
    assert (found["Checksum"]["ChecksumSHA256"], found["Checksum"]["ChecksumType"]) == (composite, "COMPOSITE"), found
    assert [part["ChecksumSHA256"] for part in found["ObjectParts"]["Parts"]] == [part["ChecksumSHA256"] for part in done]

    where, done = upload({"ChecksumAlgorithm": "CRC32"}, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    full = {"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT", "MpuObjectSize": sum(map(len, parts))}
    refused("BadDigest", 400, s3.complete_multipart_upload, MultipartUpload={"Parts": done}, **full | {"ChecksumCRC32": "AAAAAA=="}, **where)
    answer = s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **full, **where)
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (crc, "FULL_OBJECT"), answer

    copied = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/key", ChecksumAlgorithm="SHA256")["CopyObjectResult"]
    sha = base64.b64encode(hashlib.sha256(b"".join(parts)).digest()).decode()
    assert (copied["ChecksumSHA256"], copied["ChecksumType"]) == (sha, "FULL_OBJECT"), copied
    where = {"Bucket": BUCKET, "Key": "key"}
    where["UploadId"] = s3.create_multipart_upload(ChecksumAlgorithm="SHA256", **where)["UploadId"]
    part = s3.upload_part_copy(PartNumber=1, CopySource=f"{BUCKET}/copy", **where)["CopyPartResult"]
    assert part["ChecksumSHA256"] == sha, part
    s3.abort_multipart_upload(**where)
    refused("InvalidRequest", 400, s3.create_multipart_upload, Bucket=BUCKET, Key="key", ChecksumAlgorithm="SHA1", ChecksumType="FULL_OBJECT")


def conditions(s3):
    etag = s3.put_object(Bucket=BUCKET, Key="key", Body=b"one", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", 412, s3.put_object, Bucket=BUCKET, Key="key", Body=b"two", IfNoneMatch="*")
    refused("PreconditionFailed", 412, s3.get_object, Bucket=BUCKET, Key="key", IfMatch='"no-1"')
    refused("304", 304, s3.get_object, Bucket=BUCKET, Key="key", IfNoneMatch=etag)
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"two", IfMatch=etag)
    same(read(s3, "key"), b"two")
    winners = []

    def race(number):
        try:
            client().put_object(Bucket=BUCKET, Key="race", Body=str(number).encode(), IfNoneMatch="*")
            winners.append(number)
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412), error

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1 and read(s3, "race") == str(winners[0]).encode(), winners


def errors(s3):
    answer = refused("NoSuchBucket", 404, s3.list_objects_v2, Bucket="missing")
    assert answer["ResponseMetadata"].get("RequestId"), "an error carries the id of its request"
    refused("NoSuchKey", 404, s3.get_object, Bucket=BUCKET, Key="absent")
    refused("BucketAlreadyOwnedByYou", 409, s3.create_bucket, Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="key")
    refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket=BUCKET)
    refused("KeyTooLongError", 400, s3.put_object, Bucket=BUCKET, Key="k" * 1025)
    refused("NoSuchUpload", 404, s3.abort_multipart_upload, Bucket=BUCKET, Key="key", UploadId="nonsense")
    wrong = boto3.client(
        "s3",
        endpoint_url=os.environ["ENDPOINT"],
        aws_access_key_id=os.environ["ACCESS_KEY"],
        aws_secret_access_key="wrong",
        region_name=os.environ["REGION"],
    )
    refused("SignatureDoesNotMatch", 403, wrong.list_buckets)
    stranger = boto3.client(
        "s3",
        endpoint_url=os.environ["ENDPOINT"],
        aws_access_key_id="STRANGER",
        aws_secret_access_key="wrong",
        region_name=os.environ["REGION"],
    )
    refused("InvalidAccessKeyId", 403, stranger.list_buckets)


def buckets(s3):
    s3.create_bucket(Bucket="my.bucket-2")
    assert [entry["Name"] for entry in s3.list_buckets()["Buckets"]] == [BUCKET, "my.bucket-2"]
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] is None
    s3.head_bucket(Bucket="my.bucket-2")
    s3.delete_bucket(Bucket="my.bucket-2")
    refused("404", 404, s3.head_bucket, Bucket="my.bucket-2")


def main():
    s3 = client()
    s3.create_bucket(Bucket=BUCKET)
    globals()[sys.argv[1]](s3)
    # What a scenario leaves behind must go by the ordinary way.
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    print("done")


main()
