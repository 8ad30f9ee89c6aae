/** The compact protocol of Apache Thrift, in which Parquet writes what it says about itself. Reads, and trusts nothing. */

/** A struct is the list of its fields by number; numbers beyond 2⁵³ are rounded. */
export type Thrift = number | boolean | Uint8Array | Thrift[] | undefined;

const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12,
];
/** Parquet has structs within structs five deep. */
const DEEPEST = 16;
/** Parquet numbers its fields up to 17; higher ones are of no use to us. */
const MOST_FIELDS = 64;

/** Reads structs from bytes. Work and memory are bounded by the bytes read. */
export class ThriftReader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** @throws Error for bytes that are no struct */
  struct(depth = 0): Thrift[] {
    if (depth > DEEPEST) throw new Error("its description is nested too deeply");
    const fields: Thrift[] = [];
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === STOP) return fields;
      id = head >> 4 ? id + (head >> 4) : zigzag(this.varint());
      const value = type === TRUE || type === FALSE ? type === TRUE : this.#value(type, depth);
      if (id > 0 && id < MOST_FIELDS) fields[id] = value;
    }
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new Error("a number in its description has no end");
  }

  #value(type: number, depth: number): Thrift {
    if (type === BYTE) return (this.#byte() << 24) >> 24;
    if (type === I16 || type === I32 || type === I64) return zigzag(this.varint());
    if (type === DOUBLE) return this.#view.getFloat64(this.#skip(8), true);
    if (type === BINARY) {
      const length = this.varint();
      const from = this.#skip(length);
      return this.#bytes.subarray(from, from + length);
    }
    if (type === LIST) return this.#list(depth + 1);
    if (type === STRUCT) return this.struct(depth + 1);
    throw new Error("its description has a field of an unknown type");
  }

  #list(depth: number): Thrift[] {
    const head = this.#byte();
    const type = head & 15;
    const length = head >> 4 === 15 ? this.varint() : head >> 4;
    // An item takes a byte at least.
    if (length > this.#bytes.length - this.at) throw new Error("a list in its description is cut short");
    if (depth > DEEPEST) throw new Error("its description is nested too deeply");
    const items: Thrift[] = [];
    for (let i = 0; i < length; i++) {
      items.push(type === TRUE || type === FALSE ? this.#byte() === 1 : this.#value(type, depth));
    }
    return items;
  }

  #byte(): number {
    return this.#bytes[this.#skip(1)];
  }

  /** Where the next `length` bytes begin. */
  #skip(length: number): number {
    const from = this.at;
    if (length > this.#bytes.length - from) throw new Error("its description is cut short");
    this.at += length;
    return from;
  }
}

function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
