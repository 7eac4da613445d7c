import { crc32 } from 'node:zlib';

/** The first bytes of a zip with one stored entry, and its end. */
export function zipOf(name: string, text = 'hello'): Buffer {
  const data = Buffer.from(text);
  const entry = Buffer.alloc(30 + name.length);
  entry.write('PK\x03\x04', 'latin1');
  entry.writeUInt16LE(20, 4);
  entry.writeUInt32LE(crc32(data), 14);
  entry.writeUInt32LE(data.length, 18);
  entry.writeUInt32LE(data.length, 22);
  entry.writeUInt16LE(name.length, 26);
  entry.write(name, 30, 'latin1');
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  return Buffer.concat([entry, data, end]);
}

const contentTypes =
  '<?xml version="1.0"?><Types><Override PartName="/word/document.xml" ContentType=' +
  '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>';

/** The beginnings of files of several types. */
export const content = {
  pdf: Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n', 'latin1'),
  png: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
    'base64',
  ),
  jpeg: Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  docx: zipOf('[Content_Types].xml', contentTypes),
  cfb: Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(504)]),
  exe: Buffer.concat([Buffer.from('MZ\x90\x00\x03\x00', 'latin1'), Buffer.alloc(58)]),
  mp4: Buffer.concat([
    Buffer.from('\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2', 'latin1'),
    Buffer.alloc(64),
  ]),
  wav: Buffer.concat([Buffer.from('RIFF\x24\x00\x00\x00WAVEfmt ', 'latin1'), Buffer.alloc(28)]),
};
