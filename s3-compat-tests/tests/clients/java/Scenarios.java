// Scenarios of the Java SDK with its default settings against a running server: `java Scenarios.java SCENARIO`, the server in the environment.

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

public class Scenarios {
    static final int MIB = 1024 * 1024;
    static final String BUCKET = "bucket";
    static final URI ENDPOINT = URI.create(System.getenv("ENDPOINT"));
    static final Region REGION = Region.of(System.getenv("REGION"));

    static StaticCredentialsProvider credentials(String secret) {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(System.getenv("ACCESS_KEY"), secret));
    }

    static S3Client client(String secret) {
        return S3Client.builder().endpointOverride(ENDPOINT).region(REGION).credentialsProvider(credentials(secret)).build();
    }

    static void check(boolean holds, Object said) {
        if (!holds) throw new AssertionError(said);
    }

    static void same(byte[] left, byte[] right) {
        check(left.length == right.length, left.length + " bytes, not " + right.length);
        check(Arrays.equals(left, right), "bodies of the same length differ");
    }

    static byte[] body(int size, int seed) {
        byte[] content = new byte[size];
        new Random(seed).nextBytes(content);
        return content;
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    interface Call {
        void run() throws Exception;
    }

    static void refused(String code, int status, Call call) throws Exception {
        try {
            call.run();
        } catch (S3Exception error) {
            String said = error.awsErrorDetails() == null ? null : error.awsErrorDetails().errorCode();
            check(error.statusCode() == status && (code == null || code.equals(said)), "not " + status + " " + code + ": " + error);
            return;
        }
        throw new AssertionError("not refused with " + code);
    }

    static PutObjectResponse put(S3Client s3, String key, byte[] content) {
        return s3.putObject(put -> put.bucket(BUCKET).key(key), RequestBody.fromBytes(content));
    }

    static byte[] read(S3Client s3, String key) {
        return s3.getObjectAsBytes(get -> get.bucket(BUCKET).key(key)).asByteArray();
    }

    static byte[] range(S3Client s3, String key, String range) {
        return s3.getObjectAsBytes(get -> get.bucket(BUCKET).key(key).range(range)).asByteArray();
    }

    static HeadObjectResponse head(S3Client s3, String key) {
        return s3.headObject(head -> head.bucket(BUCKET).key(key));
    }

    static List<String> keys(S3Client s3) {
        return s3.listObjectsV2Paginator(list -> list.bucket(BUCKET)).contents().stream().map(S3Object::key).toList();
    }

    /** Calls the work for each item, 16 at a time. */
    static <T> void each(List<T> items, Consumer<T> work) throws Exception {
        var pool = Executors.newFixedThreadPool(16);
        var ends = items.stream().map(item -> pool.submit(() -> work.accept(item))).toList();
        for (var end : ends) end.get();
        pool.shutdown();
    }

    static void objects(S3Client s3) throws Exception {
        for (int size : new int[] {0, 1, 1000, 64 * 1024 + 1, MIB, MIB + 1, 9 * MIB}) {
            byte[] sent = body(size, size);
            String etag = put(s3, "key", sent).eTag();
            same(read(s3, "key"), sent);
            HeadObjectResponse head = head(s3, "key");
            check(head.contentLength() == size && head.eTag().equals(etag), head);
            // A stream that can be read once.
            s3.putObject(put -> put.bucket(BUCKET).key("stream"), RequestBody.fromInputStream(new ByteArrayInputStream(sent), size));
            same(read(s3, "stream"), sent);
        }
        s3.deleteObject(delete -> delete.bucket(BUCKET).key("key"));
        refused("NoSuchKey", 404, () -> read(s3, "key"));
        refused(null, 404, () -> head(s3, "key"));
    }

    static void metadata(S3Client s3) throws Exception {
        Map<String, String> metadata = Map.of("mtime", "1700000000.5", "spaces", "a b; c=d");
        s3.putObject(put -> put.bucket(BUCKET).key("key").metadata(metadata).contentType("text/plain").contentEncoding("gzip")
            .cacheControl("no-cache").contentDisposition("attachment; filename=\"x\"").contentLanguage("de, en")
            .storageClass(StorageClass.STANDARD), RequestBody.fromString("body"));
        HeadObjectResponse head = head(s3, "key");
        check(head.metadata().equals(metadata), head.metadata());
        List<String> answered = List.of(head.contentType(), head.contentEncoding(), head.cacheControl(), head.contentDisposition(), head.contentLanguage());
        check(answered.equals(List.of("text/plain", "gzip", "no-cache", "attachment; filename=\"x\"", "de, en")), answered);
    }

    static void ranges(S3Client s3) throws Exception {
        for (int size : new int[] {1000, 3 * MIB}) {
            byte[] sent = body(size, 1);
            put(s3, "key", sent);
            same(range(s3, "key", "bytes=0-0"), Arrays.copyOfRange(sent, 0, 1));
            same(range(s3, "key", "bytes=5-9"), Arrays.copyOfRange(sent, 5, 10));
            same(range(s3, "key", "bytes=-7"), Arrays.copyOfRange(sent, size - 7, size));
            same(range(s3, "key", "bytes=900-"), Arrays.copyOfRange(sent, 900, size));
            refused("InvalidRange", 416, () -> range(s3, "key", "bytes=" + size + "-"));
        }
    }

    static void many_keys(S3Client s3) throws Exception {
        List<String> keys = IntStream.range(0, 1100).mapToObj(n -> String.format("key %04d", n)).toList();
        each(keys, key -> put(s3, key, utf8(key)));
        var pages = s3.listObjectsV2Paginator(list -> list.bucket(BUCKET)).stream().map(page -> page.contents().size()).toList();
        check(pages.equals(List.of(1000, 100)), pages);
        check(keys(s3).equals(keys), "other keys");
    }

    static void odd_keys(S3Client s3) throws Exception {
        List<String> keys = new ArrayList<>(List.of("x", "x/", "x/y", "x//y", "//", "/lead", " ", "a b", "a+b", "a%2Fb", "a%", "<&>'\"", "a\\b",
            "?#", "~!@$^*()", "ü", "🦀", "日本/語", "k".repeat(1024)));
        keys.sort((left, right) -> Arrays.compareUnsigned(utf8(left), utf8(right)));
        for (String key : keys) put(s3, key, utf8(key));
        for (String key : keys) same(read(s3, key), utf8(key));
        check(keys(s3).equals(keys), keys(s3));
        for (String key : keys) {
            s3.copyObject(copy -> copy.sourceBucket(BUCKET).sourceKey(key).destinationBucket(BUCKET).destinationKey("copy"));
            same(read(s3, "copy"), utf8(key));
        }
    }

    static void multipart(S3Client s3) throws Exception {
        List<byte[]> parts = List.of(body(5 * MIB, 1), body(7 * MIB, 2), body(10, 3));
        String id = s3.createMultipartUpload(create -> create.bucket(BUCKET).key("key").contentType("x/y")).uploadId();
        List<CompletedPart> done = new ArrayList<>();
        for (byte[] part : parts) {
            int number = done.size() + 1;
            UploadPartResponse answer = s3.uploadPart(upload -> upload.bucket(BUCKET).key("key").uploadId(id).partNumber(number), RequestBody.fromBytes(part));
            done.add(CompletedPart.builder().partNumber(number).eTag(answer.eTag()).checksumCRC32(answer.checksumCRC32()).build());
        }
        List<Part> listed = s3.listParts(list -> list.bucket(BUCKET).key("key").uploadId(id)).parts();
        check(listed.size() == 3 && listed.get(1).size() == 7 * MIB && listed.get(1).eTag().equals(done.get(1).eTag()), listed);
        check(keys(s3).isEmpty(), "an open upload is listed");
        s3.completeMultipartUpload(complete -> complete.bucket(BUCKET).key("key").uploadId(id).multipartUpload(all -> all.parts(done)));
        byte[] whole = read(s3, "key");
        check(whole.length == 12 * MIB + 10, whole.length);
        same(Arrays.copyOfRange(whole, 5 * MIB, 12 * MIB), parts.get(1));
        same(s3.getObjectAsBytes(get -> get.bucket(BUCKET).key("key").partNumber(2)).asByteArray(), parts.get(1));

        String gone = s3.createMultipartUpload(create -> create.bucket(BUCKET).key("key")).uploadId();
        s3.abortMultipartUpload(abort -> abort.bucket(BUCKET).key("key").uploadId(gone));
        refused("NoSuchUpload", 404, () -> s3.listParts(list -> list.bucket(BUCKET).key("key").uploadId(gone)));
    }

    // The asynchronous client uploads in parts, and asks for ?partNumber=1 first when it downloads, whether the object has parts or not.
    static void transfers(S3Client s3) throws Exception {
        try (S3AsyncClient parallel = S3AsyncClient.builder().multipartEnabled(true).endpointOverride(ENDPOINT).region(REGION)
                .credentialsProvider(credentials(System.getenv("SECRET_KEY"))).build()) {
            for (int size : new int[] {10, 30 * MIB}) {
                byte[] sent = body(size, size);
                Path file = Files.write(Path.of(System.getenv("SCRATCH"), "upload"), sent);
                parallel.putObject(put -> put.bucket(BUCKET).key("key"), AsyncRequestBody.fromFile(file)).join();
                same(read(s3, "key"), sent);
                same(parallel.getObject(get -> get.bucket(BUCKET).key("key"), AsyncResponseTransformer.toBytes()).join().asByteArray(), sent);
                parallel.copyObject(copy -> copy.sourceBucket(BUCKET).sourceKey("key").destinationBucket(BUCKET).destinationKey("copy")).join();
                same(read(s3, "copy"), sent);
            }
            check(head(s3, "key").eTag().endsWith("-4\""), head(s3, "key").eTag());
        }
    }

    static void copies(S3Client s3) throws Exception {
        for (int size : new int[] {10, 3 * MIB}) {
            byte[] sent = body(size, 5);
            s3.putObject(put -> put.bucket(BUCKET).key("from").metadata(Map.of("a", "1")), RequestBody.fromBytes(sent));
            String etag = s3.copyObject(copy -> copy.sourceBucket(BUCKET).sourceKey("from").destinationBucket(BUCKET).destinationKey("to")).copyObjectResult().eTag();
            HeadObjectResponse to = head(s3, "to");
            check(to.metadata().equals(Map.of("a", "1")) && to.eTag().equals(etag), to);
            s3.copyObject(copy -> copy.sourceBucket(BUCKET).sourceKey("from").destinationBucket(BUCKET).destinationKey("from")
                .metadataDirective(MetadataDirective.REPLACE).metadata(Map.of("b", "2")));
            check(head(s3, "from").metadata().equals(Map.of("b", "2")), head(s3, "from").metadata());
            same(read(s3, "from"), sent);
            same(read(s3, "to"), sent);
        }
    }

    static void delete_objects(S3Client s3) throws Exception {
        List<String> keys = IntStream.range(0, 1000).mapToObj(n -> "key & <" + n + "> ü").toList();
        each(keys.subList(0, 40), key -> put(s3, key, utf8("x")));
        put(s3, "kept", utf8("kept"));
        var all = keys.stream().map(key -> ObjectIdentifier.builder().key(key).build()).toList();
        DeleteObjectsResponse answer = s3.deleteObjects(delete -> delete.bucket(BUCKET).delete(list -> list.objects(all)));
        check(answer.deleted().size() == 1000 && answer.errors().isEmpty(), answer);
        check(keys(s3).equals(List.of("kept")), keys(s3));
    }

    static void presigned(S3Client s3) throws Exception {
        HttpClient http = HttpClient.newHttpClient();
        String key = "a key/+ü";
        byte[] sent = body(2000, 8);
        try (S3Presigner presigner = S3Presigner.builder().endpointOverride(ENDPOINT).region(REGION)
                .credentialsProvider(credentials(System.getenv("SECRET_KEY"))).build()) {
            URI put = presigner.presignPutObject(sign -> sign.signatureDuration(Duration.ofMinutes(5)).putObjectRequest(request -> request.bucket(BUCKET).key(key))).url().toURI();
            var stored = http.send(HttpRequest.newBuilder(put).PUT(HttpRequest.BodyPublishers.ofByteArray(sent)).build(), HttpResponse.BodyHandlers.ofString());
            check(stored.statusCode() == 200, stored.body());
            URI get = presigner.presignGetObject(sign -> sign.signatureDuration(Duration.ofMinutes(5)).getObjectRequest(request -> request.bucket(BUCKET).key(key))).url().toURI();
            var answer = http.send(HttpRequest.newBuilder(get).build(), HttpResponse.BodyHandlers.ofByteArray());
            check(answer.statusCode() == 200, new String(answer.body(), StandardCharsets.UTF_8));
            same(answer.body(), sent);
            URI other = URI.create(get.toString().replace("/bucket/a", "/bucket/b"));
            var refused = http.send(HttpRequest.newBuilder(other).build(), HttpResponse.BodyHandlers.ofString());
            check(refused.statusCode() == 403 && refused.body().contains("<Code>SignatureDoesNotMatch</Code>"), refused.body());
        }
    }

    static void attributes(S3Client s3) throws Exception {
        PutObjectResponse put = put(s3, "key", body(2 * MIB, 9));
        GetObjectAttributesResponse answer = s3.getObjectAttributes(get -> get.bucket(BUCKET).key("key")
            .objectAttributes(ObjectAttributes.E_TAG, ObjectAttributes.CHECKSUM, ObjectAttributes.OBJECT_SIZE));
        check(put.eTag().equals("\"" + answer.eTag() + "\"") && answer.objectSize() == 2 * MIB, answer);
        check(put.checksumCRC32().equals(answer.checksum().checksumCRC32()), answer.checksum());
    }

    static void write(S3Client s3, String key, String content, Consumer<PutObjectRequest.Builder> condition) {
        s3.putObject(put -> condition.accept(put.bucket(BUCKET).key(key)), RequestBody.fromString(content));
    }

    static void conditions(S3Client s3) throws Exception {
        write(s3, "key", "one", put -> put.ifNoneMatch("*"));
        refused("PreconditionFailed", 412, () -> write(s3, "key", "two", put -> put.ifNoneMatch("*")));
        refused("PreconditionFailed", 412, () -> write(s3, "key", "two", put -> put.ifMatch("\"no-1\"")));
        String etag = head(s3, "key").eTag();
        write(s3, "key", "two", put -> put.ifMatch(etag));
        same(read(s3, "key"), utf8("two"));
        var winners = new ConcurrentLinkedQueue<String>();
        each(List.of("1", "2", "3", "4", "5", "6", "7", "8"), racer -> {
            try {
                write(s3, "race", racer, put -> put.ifNoneMatch("*"));
                winners.add(racer);
            } catch (S3Exception error) {
                check(error.statusCode() == 409 || error.statusCode() == 412, error);
            }
        });
        check(winners.size() == 1, winners);
        same(read(s3, "race"), utf8(winners.element()));
    }

    static void failures(S3Client s3) throws Exception {
        refused("NoSuchBucket", 404, () -> s3.listObjectsV2(list -> list.bucket("missing")));
        refused("NoSuchKey", 404, () -> read(s3, "absent"));
        refused("BucketAlreadyOwnedByYou", 409, () -> s3.createBucket(create -> create.bucket(BUCKET)));
        put(s3, "key", utf8("x"));
        refused("BucketNotEmpty", 409, () -> s3.deleteBucket(delete -> delete.bucket(BUCKET)));
        refused("BadDigest", 400, () -> s3.putObject(put -> put.bucket(BUCKET).key("bad").checksumCRC32("AAAAAA=="), RequestBody.fromString("abc")));
        refused("NoSuchKey", 404, () -> read(s3, "bad"));
        try (S3Client wrong = client("wrong")) {
            refused("SignatureDoesNotMatch", 403, wrong::listBuckets);
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (S3Client s3 = client(System.getenv("SECRET_KEY"))) {
            s3.createBucket(create -> create.bucket(BUCKET));
            try {
                Scenarios.class.getDeclaredMethod(arguments[0], S3Client.class).invoke(null, s3);
            } catch (java.lang.reflect.InvocationTargetException error) {
                error.getCause().printStackTrace();
                System.exit(1);
            }
            // What a scenario leaves behind must go by the ordinary way.
            each(keys(s3), key -> s3.deleteObject(delete -> delete.bucket(BUCKET).key(key)));
            s3.deleteBucket(delete -> delete.bucket(BUCKET));
        }
        System.out.println("done");
    }
}
