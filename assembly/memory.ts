// An arena over linear memory: allocation moves the top, reset moves it back. Nothing is freed one by one.

let top: usize = (__heap_base + 15) & ~15;

/** The address of `bytes` zeroed bytes, aligned to 16; 0 when the memory cannot grow. */
export function allocate(bytes: usize): usize {
  const address = top;
  const end = (address + bytes + 15) & ~15;
  const have = (<usize>memory.size()) << 16;
  if (end < address) return 0;
  if (end > have && memory.grow(<i32>((end - have + 0xffff) >> 16)) < 0) return 0;
  memory.fill(address, 0, end - address);
  top = end;
  return address;
}

/** The top of the arena, for a later `reset`. */
export function mark(): usize {
  return top;
}

/** Frees everything allocated since `to` was marked. */
export function reset(to: usize): void {
  top = to;
}
