// Scenarios of the Go SDK with its default settings against a running server: `scenarios SCENARIO`, the server in the environment.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const mib = 1024 * 1024

var (
	ctx    = context.Background()
	bucket = aws.String("bucket")
)

// Client is the SDK's, with what most scenarios do.
type Client struct{ *awss3.Client }

func client(secret string) *Client {
	settings := must(config.LoadDefaultConfig(ctx,
		config.WithBaseEndpoint(os.Getenv("ENDPOINT")),
		config.WithRegion(os.Getenv("REGION")),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(os.Getenv("ACCESS_KEY"), secret, "")),
	))
	return &Client{awss3.NewFromConfig(settings)}
}

// must ends the program at an error; it is the assertion of every call that has to succeed.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(holds bool, format string, values ...any) {
	if !holds {
		panic(fmt.Sprintf(format, values...))
	}
}

func same(left, right []byte) {
	check(len(left) == len(right), "%d bytes, not %d", len(left), len(right))
	check(bytes.Equal(left, right), "bodies of the same length differ")
}

// body is size bytes that no compressor shrinks and no two seeds share.
func body(size int, seed byte) []byte {
	content := make([]byte, size)
	must(rand.NewChaCha8([32]byte{seed}).Read(content))
	return content
}

func refused(code string, status int, err error) {
	check(err != nil, "not refused with %s", code)
	var api smithy.APIError
	var answer *smithyhttp.ResponseError
	check(errors.As(err, &api) && errors.As(err, &answer), "no answer: %v", err)
	check(api.ErrorCode() == code && answer.HTTPStatusCode() == status, "not %d %s: %v", status, code, err)
}

func (s3 *Client) put(key string, content []byte) *awss3.PutObjectOutput {
	return must(s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(content)}))
}

func (s3 *Client) get(input awss3.GetObjectInput) ([]byte, error) {
	input.Bucket = bucket
	answer, err := s3.GetObject(ctx, &input)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

func (s3 *Client) read(key string) []byte {
	return must(s3.get(awss3.GetObjectInput{Key: &key}))
}

func (s3 *Client) head(key string) *awss3.HeadObjectOutput {
	return must(s3.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: bucket, Key: &key}))
}

// pages is the keys of the bucket as they were listed.
func (s3 *Client) pages() (pages [][]string) {
	paginator := awss3.NewListObjectsV2Paginator(s3, &awss3.ListObjectsV2Input{Bucket: bucket})
	for paginator.HasMorePages() {
		var keys []string
		for _, entry := range must(paginator.NextPage(ctx)).Contents {
			keys = append(keys, *entry.Key)
		}
		pages = append(pages, keys)
	}
	return pages
}

// each calls work for each key, 16 at a time.
func each(keys []string, work func(key string)) {
	queue := make(chan string)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for key := range queue {
				work(key)
			}
		})
	}
	for _, key := range keys {
		queue <- key
	}
	close(queue)
	group.Wait()
}

func objects(s3 *Client) {
	for at, size := range []int{0, 1, 1000, 64*1024 + 1, mib, mib + 1, 9 * mib} {
		sent := body(size, byte(at))
		etag := *s3.put("key", sent).ETag
		same(s3.read("key"), sent)
		head := s3.head("key")
		check(*head.ContentLength == int64(size) && *head.ETag == etag, "%v", head)
	}
	must(s3.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: aws.String("key")}))
	_, err := s3.get(awss3.GetObjectInput{Key: aws.String("key")})
	refused("NoSuchKey", 404, err)
	_, err = s3.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: bucket, Key: aws.String("key")})
	refused("NotFound", 404, err)
}

func metadata(s3 *Client) {
	must(s3.PutObject(ctx, &awss3.PutObjectInput{
		Bucket: bucket, Key: aws.String("key"), Body: strings.NewReader("body"),
		Metadata:    map[string]string{"mtime": "1700000000.5", "spaces": "a b; c=d"},
		ContentType: aws.String("text/plain"), ContentEncoding: aws.String("gzip"), CacheControl: aws.String("no-cache"),
		ContentDisposition: aws.String(`attachment; filename="x"`), ContentLanguage: aws.String("de, en"),
		StorageClass: types.StorageClassStandard,
	}))
	head := s3.head("key")
	check(head.Metadata["mtime"] == "1700000000.5" && head.Metadata["spaces"] == "a b; c=d", "%v", head.Metadata)
	answered := []string{*head.ContentType, *head.ContentEncoding, *head.CacheControl, *head.ContentDisposition, *head.ContentLanguage}
	check(slices.Equal(answered, []string{"text/plain", "gzip", "no-cache", `attachment; filename="x"`, "de, en"}), "%q", answered)
}

func ranges(s3 *Client) {
	for _, size := range []int{1000, 3 * mib} {
		sent := body(size, 1)
		s3.put("key", sent)
		parts := map[string][]byte{"0-0": sent[:1], "5-9": sent[5:10], "-7": sent[size-7:], "900-": sent[900:]}
		for asked, part := range parts {
			same(must(s3.get(awss3.GetObjectInput{Key: aws.String("key"), Range: aws.String("bytes=" + asked)})), part)
		}
		_, err := s3.get(awss3.GetObjectInput{Key: aws.String("key"), Range: aws.String(fmt.Sprintf("bytes=%d-", size))})
		refused("InvalidRange", 416, err)
	}
}

func many_keys(s3 *Client) {
	var keys []string
	for n := range 1100 {
		keys = append(keys, fmt.Sprintf("key %04d", n))
	}
	each(keys, func(key string) { s3.put(key, []byte(key)) })
	pages := s3.pages()
	check(len(pages) == 2 && len(pages[0]) == 1000, "%d pages", len(pages))
	check(slices.Equal(slices.Concat(pages...), keys), "%q", pages)
}

func odd_keys(s3 *Client) {
	keys := []string{"x", "x/", "x/y", "x//y", "//", "/lead", " ", "a b", "a+b", "a%2Fb", "a%", "<&>'\"", "a\\b", "?#", "~!@$^*()", "ü", "🦀", "日本/語", strings.Repeat("k", 1024)}
	slices.Sort(keys)
	for _, key := range keys {
		s3.put(key, []byte(key))
	}
	for _, key := range keys {
		same(s3.read(key), []byte(key))
	}
	check(slices.Equal(slices.Concat(s3.pages()...), keys), "%q", s3.pages())
	for _, key := range keys {
		source := "bucket/" + url.QueryEscape(key)
		must(s3.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: &source}))
		same(s3.read("copy"), []byte(key))
	}
}

func multipart(s3 *Client) {
	parts := [][]byte{body(5*mib, 1), body(7*mib, 2), body(10, 3)}
	key := aws.String("key")
	id := must(s3.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ContentType: aws.String("x/y")})).UploadId
	var done []types.CompletedPart
	for at, part := range parts {
		number := aws.Int32(int32(at + 1))
		answer := must(s3.UploadPart(ctx, &awss3.UploadPartInput{Bucket: bucket, Key: key, UploadId: id, PartNumber: number, Body: bytes.NewReader(part)}))
		done = append(done, types.CompletedPart{PartNumber: number, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32})
	}
	listed := must(s3.ListParts(ctx, &awss3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id})).Parts
	check(len(listed) == 3 && *listed[1].Size == 7*mib && *listed[1].ETag == *done[1].ETag, "%v", listed)
	check(len(slices.Concat(s3.pages()...)) == 0, "an open upload is listed")
	must(s3.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}))
	same(s3.read("key"), slices.Concat(parts...))
	same(must(s3.get(awss3.GetObjectInput{Key: key, PartNumber: aws.Int32(2)})), parts[1])

	id = must(s3.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: bucket, Key: key})).UploadId
	must(s3.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id}))
	_, err := s3.ListParts(ctx, &awss3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id})
	refused("NoSuchUpload", 404, err)
}

// The transfer manager uploads in parts of 8 MiB above 16 MiB, and downloads by part.
func transfers(s3 *Client) {
	manager := transfermanager.New(s3.Client)
	for at, size := range []int{10, 9 * mib, 30 * mib} {
		sent := body(size, byte(at))
		// A pipe has no length and cannot be read twice.
		reader, writer := io.Pipe()
		go func() { must(writer.Write(sent)); writer.Close() }()
		must(manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: aws.String("key"), Body: reader}))
		same(s3.read("key"), sent)
		file := must(os.CreateTemp(os.Getenv("SCRATCH"), "download"))
		must(manager.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: bucket, Key: aws.String("key"), WriterAt: file}))
		same(must(os.ReadFile(file.Name())), sent)
	}
	check(strings.HasSuffix(*s3.head("key").ETag, `-4"`), "not 4 parts: %s", *s3.head("key").ETag)
}

func copies(s3 *Client) {
	for _, size := range []int{10, 3 * mib} {
		sent := body(size, 5)
		from, to, source := aws.String("from"), aws.String("to"), aws.String("bucket/from")
		must(s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: from, Body: bytes.NewReader(sent), Metadata: map[string]string{"a": "1"}}))
		copied := must(s3.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: bucket, Key: to, CopySource: source})).CopyObjectResult
		head := s3.head("to")
		check(head.Metadata["a"] == "1" && *head.ETag == *copied.ETag, "%v", head)
		must(s3.CopyObject(ctx, &awss3.CopyObjectInput{
			Bucket: bucket, Key: from, CopySource: source, MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"b": "2"},
		}))
		head = s3.head("from")
		check(len(head.Metadata) == 1 && head.Metadata["b"] == "2", "%v", head.Metadata)
		same(s3.read("from"), sent)
		same(s3.read("to"), sent)
	}
}

func delete_objects(s3 *Client) {
	var keys []types.ObjectIdentifier
	for n := range 1000 {
		keys = append(keys, types.ObjectIdentifier{Key: aws.String(fmt.Sprintf("key & <%d> ü", n))})
	}
	for _, key := range keys[:40] {
		s3.put(*key.Key, []byte("x"))
	}
	s3.put("kept", []byte("kept"))
	answer := must(s3.DeleteObjects(ctx, &awss3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: keys}}))
	check(len(answer.Deleted) == 1000 && len(answer.Errors) == 0, "%d deleted, %v", len(answer.Deleted), answer.Errors)
	left := slices.Concat(s3.pages()...)
	check(slices.Equal(left, []string{"kept"}), "%q", left)
}

func presigned(s3 *Client) {
	presign := awss3.NewPresignClient(s3.Client)
	key, sent := aws.String("a key/+ü"), body(2000, 8)
	send := func(method, where string, header http.Header, content []byte) (int, []byte) {
		request := must(http.NewRequest(method, where, bytes.NewReader(content)))
		request.Header = header
		answer := must(http.DefaultClient.Do(request))
		defer answer.Body.Close()
		return answer.StatusCode, must(io.ReadAll(answer.Body))
	}
	put := must(presign.PresignPutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: key}, awss3.WithPresignExpires(5*time.Minute)))
	put.SignedHeader.Del("Content-Length")
	status, said := send(put.Method, put.URL, put.SignedHeader, sent)
	check(status == 200, "%d %s", status, said)
	get := must(presign.PresignGetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: key}, awss3.WithPresignExpires(5*time.Minute)))
	status, said = send(get.Method, get.URL, get.SignedHeader, nil)
	check(status == 200, "%d %s", status, said)
	same(said, sent)
	status, said = send(get.Method, strings.Replace(get.URL, "/bucket/a", "/bucket/b", 1), get.SignedHeader, nil)
	check(status == 403 && bytes.Contains(said, []byte("<Code>SignatureDoesNotMatch</Code>")), "%d %s", status, said)
}

func attributes(s3 *Client) {
	put := s3.put("key", body(2*mib, 9))
	answer := must(s3.GetObjectAttributes(ctx, &awss3.GetObjectAttributesInput{
		Bucket: bucket, Key: aws.String("key"),
		ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesEtag, types.ObjectAttributesChecksum, types.ObjectAttributesObjectSize},
	}))
	check(`"`+*answer.ETag+`"` == *put.ETag && *answer.ObjectSize == 2*mib, "%v", answer)
	check(*answer.Checksum.ChecksumCRC32 == *put.ChecksumCRC32, "%v", answer.Checksum)
}

func conditions(s3 *Client) {
	write := func(key, content string, ifMatch, ifNoneMatch *string) error {
		_, err := s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(content), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch})
		return err
	}
	check(write("key", "one", nil, aws.String("*")) == nil, "the first write is refused")
	refused("PreconditionFailed", 412, write("key", "two", nil, aws.String("*")))
	refused("PreconditionFailed", 412, write("key", "two", aws.String(`"no-1"`), nil))
	check(write("key", "two", s3.head("key").ETag, nil) == nil, "a matching write is refused")
	same(s3.read("key"), []byte("two"))
	var lock sync.Mutex
	var winners []string
	each([]string{"1", "2", "3", "4", "5", "6", "7", "8"}, func(racer string) {
		if write("race", racer, nil, aws.String("*")) == nil {
			lock.Lock()
			defer lock.Unlock()
			winners = append(winners, racer)
		}
	})
	check(len(winners) == 1 && string(s3.read("race")) == winners[0], "%v won", winners)
}

func failures(s3 *Client) {
	_, err := s3.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: aws.String("missing")})
	refused("NoSuchBucket", 404, err)
	_, err = s3.get(awss3.GetObjectInput{Key: aws.String("absent")})
	refused("NoSuchKey", 404, err)
	_, err = s3.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: bucket})
	refused("BucketAlreadyOwnedByYou", 409, err)
	s3.put("key", []byte("x"))
	_, err = s3.DeleteBucket(ctx, &awss3.DeleteBucketInput{Bucket: bucket})
	refused("BucketNotEmpty", 409, err)
	_, err = s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: aws.String("bad"), Body: strings.NewReader("abc"), ChecksumCRC32: aws.String("AAAAAA==")})
	refused("BadDigest", 400, err)
	_, err = client("wrong").ListBuckets(ctx, &awss3.ListBucketsInput{})
	refused("SignatureDoesNotMatch", 403, err)
}

var scenarios = map[string]func(*Client){
	"attributes": attributes, "conditions": conditions, "copies": copies, "delete_objects": delete_objects, "failures": failures,
	"many_keys": many_keys, "metadata": metadata, "multipart": multipart, "objects": objects, "odd_keys": odd_keys,
	"presigned": presigned, "ranges": ranges, "transfers": transfers,
}

func main() {
	s3 := client(os.Getenv("SECRET_KEY"))
	must(s3.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: bucket}))
	scenarios[os.Args[1]](s3)
	// What a scenario leaves behind must go by the ordinary way.
	each(slices.Concat(s3.pages()...), func(key string) {
		must(s3.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: &key}))
	})
	must(s3.DeleteBucket(ctx, &awss3.DeleteBucketInput{Bucket: bucket}))
	fmt.Println("done")
}
