/** A file of an archive. */
export interface TarEntry {
  /** With slashes; at most 100 bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const blockBytes = 512;

/**
 * An archive of files as POSIX ustar: what `tar -x` reads. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 * @param at their time, in milliseconds since the epoch: the same files at the same time are the same archive
 */
export function tarOf(entries: readonly TarEntry[], at: number): Uint8Array {
  const blocks = entries.flatMap(({ name, bytes }) => [
    headerOf(name, bytes.length, Math.floor(at / 1000)),
    bytes,
    new Uint8Array((blockBytes - (bytes.length % blockBytes)) % blockBytes),
  ]);
  return Buffer.concat([...blocks, new Uint8Array(2 * blockBytes)]);
}

/** @param seconds since the epoch */
function headerOf(name: string, size: number, seconds: number): Uint8Array {
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0, 100);
  const octal = (value: number, at: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, "0"), at, digits);
  };
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(seconds, 136, 11);
  header.write("0", 156);
  header.write("ustar\x0000", 257, "latin1");
  // The sum counts its own place as spaces.
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}
