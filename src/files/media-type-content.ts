import { fileTypeFromBuffer } from 'file-type';
import { essenceOf, UNKNOWN_MEDIA_TYPE } from './media-type-name.ts';

/** As much of a file's beginning as its type is told by (file-type, "sample size"). */
export const HEAD_BYTES = 4100;

/**
 * How a declared type and what the content begins with go together.
 * `same`: they name one format. `contained`: the content's type is only the container or the notation of the declared
 * one (a zip that holds a word-processor's file, the text of a program). `unknown`: nothing speaks against it.
 */
export type Agreement = 'same' | 'contained' | 'unknown' | 'differs';

/** The media type that the first bytes speak of, or null when they say nothing: most texts do not. */
export async function mediaTypeOfContent(head: Uint8Array): Promise<string | null> {
  const sample = head.subarray(0, HEAD_BYTES);
  // A PDF may have other bytes before its header, within the first 1024 (PDF 1.7 reference, implementation note 13).
  if (Buffer.from(sample.buffer, sample.byteOffset, Math.min(sample.length, 1024)).includes('%PDF-')) {
    return 'application/pdf';
  }
  // A text in UTF-16 begins with one of these marks, the first of which is taken for a frame of sound.
  if ((sample[0] === 0xff && sample[1] === 0xfe) || (sample[0] === 0xfe && sample[1] === 0xff)) return null;
  const found = await fileTypeFromBuffer(sample);
  return found === undefined ? null : essenceOf(found.mime);
}

export function agreement(declared: string, content: string | null, head: Uint8Array): Agreement {
  const type = essenceOf(declared);
  if (type === UNKNOWN_MEDIA_TYPE) return 'unknown';
  if (content === null) return MAGIC_CERTAIN.has(type) && head.length > 0 ? 'differs' : 'unknown';
  if (type === content || sameFormat(type, content)) return 'same';
  if (CONTAINERS.some(({ container, holds }) => container.test(content) && holds(type))) return 'contained';
  // A zip is still a zip when it is recognised as what it holds.
  if (type === 'application/zip' && isZipBased(content)) return 'contained';
  // Two letters are enough to be taken for a BMP or a program: real text wins, unless it is a PDF written in letters.
  if (isNotation(type)) return content !== 'application/pdf' && isText(head) ? 'contained' : 'differs';
  return isRecognisable(type) ? 'differs' : 'unknown';
}

/** Names of one format, or of formats that share their beginning and differ only further inside. */
const SAME_FORMAT: readonly ReadonlySet<string>[] = [
  'image/jpeg image/jpg image/pjpeg',
  'image/png image/apng image/x-png image/vnd.mozilla.apng',
  'image/bmp image/x-ms-bmp image/x-bmp',
  'image/x-icon image/vnd.microsoft.icon',
  'image/heic image/heif image/heic-sequence image/heif-sequence image/avif image/avif-sequence',
  'image/tiff image/x-adobe-dng image/x-canon-cr2 image/x-nikon-nef image/x-sony-arw image/x-olympus-orf image/x-panasonic-rw2',
  'image/jp2 image/jpx image/jpm image/mj2 image/j2c',
  'image/vnd.adobe.photoshop image/x-photoshop application/x-photoshop',
  'application/pdf application/x-pdf application/illustrator application/postscript',
  'application/postscript application/eps image/x-eps image/eps',
  'application/rtf text/rtf',
  'application/xml text/xml',
  'application/zip application/x-zip-compressed application/x-zip',
  'application/gzip application/x-gzip application/x-tgz application/x-compressed-tar',
  'application/x-bzip2 application/x-bzip application/bzip2',
  'application/x-rar-compressed application/vnd.rar application/x-rar',
  'application/x-tar application/x-gtar application/x-ustar application/tar',
  'application/x-xz application/xz',
  'application/zstd application/x-zstd',
  'application/x-sqlite3 application/vnd.sqlite3',
  'application/vnd.apache.parquet application/x-parquet',
  'application/java-archive application/x-java-archive',
  'application/x-msdownload application/vnd.microsoft.portable-executable application/x-msdos-program application/x-dosexec application/x-ms-dos-executable',
  'application/x-elf application/x-executable application/x-sharedlib application/x-object application/x-pie-executable',
  'audio/mpeg audio/mp3 audio/x-mpeg audio/mpeg3 audio/x-mp3',
  'audio/wav audio/x-wav audio/wave audio/vnd.wave',
  'audio/flac audio/x-flac',
  'audio/aiff audio/x-aiff',
  'audio/midi audio/x-midi',
  'audio/aac audio/x-aac audio/aacp',
  'application/ogg audio/ogg video/ogg audio/opus audio/vorbis audio/x-speex audio/speex',
  'video/mp4 audio/mp4 audio/x-m4a audio/m4a video/x-m4v video/quicktime video/3gpp video/3gpp2 audio/3gpp application/mp4',
  'video/matroska video/x-matroska audio/matroska audio/x-matroska video/webm audio/webm',
  'video/vnd.avi video/x-msvideo video/avi video/msvideo',
  'video/mpeg video/mp1s video/mp2p video/mpg',
  'application/vnd.ms-asf audio/x-ms-asf video/x-ms-asf video/x-ms-wmv audio/x-ms-wma',
  'font/ttf font/otf font/sfnt font/collection application/font-sfnt application/x-font-ttf application/x-font-otf',
  'font/woff application/font-woff',
].map((names) => new Set(names.split(' ')));

const KNOWN: ReadonlySet<string> = new Set(SAME_FORMAT.flatMap((names) => [...names]));

/** Formats that always begin in a way that is recognised: when the beginning says nothing, it is not one of them. */
const MAGIC_CERTAIN: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/jpg',
  'image/gif',
  'image/webp',
  'image/bmp',
  'image/tiff',
  'application/pdf',
  'application/zip',
  'application/gzip',
  'application/x-gzip',
  'application/x-7z-compressed',
  'application/vnd.rar',
  'application/x-xz',
  'audio/flac',
  'application/wasm',
  'application/vnd.sqlite3',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
  'application/vnd.oasis.opendocument.presentation',
  'application/epub+zip',
]);

const ZIP_BASED =
  /^application\/(?:vnd\.openxmlformats-officedocument\.|vnd\.oasis\.opendocument\.|vnd\.ms-(?:word|excel|powerpoint)\.|epub\+zip$|java-archive$|x-xpinstall$|vnd\.android\.package-archive$|vnd\.visio$)|^model\/3mf$|\+zip$/;
const OFFICE =
  /^application\/(?:msword$|vnd\.ms-|vnd\.visio$|vnd\.openxmlformats-officedocument\.|x-msi$|x-ole-storage$|encrypted$)/;

/** Containers, and the declared types that may turn out to be nothing but the container from the first bytes. */
const CONTAINERS: readonly { container: RegExp; holds: (type: string) => boolean }[] = [
  { container: /^application\/zip$/, holds: isZipBased },
  // Word, Excel and PowerPoint up to 2003, Outlook messages, installers; and newer office files with a password.
  { container: /^application\/x-cfb$/, holds: (type) => OFFICE.test(type) },
  { container: /^(?:application|text)\/xml$/, holds: isNotation },
  { container: /^(?:text\/.*|application\/(?:rtf|x-ms-regedit))$/, holds: isNotation },
];

function sameFormat(a: string, b: string): boolean {
  return SAME_FORMAT.some((names) => names.has(a) && names.has(b));
}

function isZipBased(type: string): boolean {
  return ZIP_BASED.test(type);
}

/** Types that are written in characters: any beginning that is text may be theirs. */
function isNotation(type: string): boolean {
  return (
    type.startsWith('text/') ||
    /[+/](?:xml|json|yaml|x-yaml)$/.test(type) ||
    /^application\/(?:javascript|ecmascript|x-javascript|typescript|x-ndjson|jsonl|jsonlines|toml|sql|x-sh|x-sql|graphql|x-httpd-php|x-tex|x-subrip|x-pem-file|pgp-.*)$/.test(
      type,
    )
  );
}

/** Whether content of this type would have been recognised, so that another finding speaks against it. */
function isRecognisable(type: string): boolean {
  return (
    /^(?:image|audio|video|font)\//.test(type) ||
    KNOWN.has(type) ||
    MAGIC_CERTAIN.has(type) ||
    isZipBased(type) ||
    OFFICE.test(type)
  );
}

/** UTF-8 without control characters but those of white space. The end may be cut inside a character. */
function isText(head: Uint8Array): boolean {
  const sample = head.subarray(0, HEAD_BYTES);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\0-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]/.test(new TextDecoder().decode(sample, { stream: true }));
}
