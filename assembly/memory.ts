// An arena over linear memory: allocation moves the top, reset moves it back. Nothing is freed one by one.

let top: usize = (__heap_base + 15) & ~15;

/** Moves the top up by `bytes`, aligned to 16; 0 when the memory cannot grow. What is there is not cleared. */
function reserve(bytes: usize): usize {
  const address = top;
  const end = (address + bytes + 15) & ~15;
  const have = (<usize>memory.size()) << 16;
  if (end < address) return 0;
  if (end > have && memory.grow(<i32>((end - have + 0xffff) >> 16)) < 0) return 0;
  top = end;
  return address;
}

/** The address of `bytes` zeroed bytes, aligned to 16; 0 when the memory cannot grow. */
export function allocate(bytes: usize): usize {
  const address = reserve(bytes);
  if (address != 0) memory.fill(address, 0, top - address);
  return address;
}

/** Memory that a kernel needs while it runs, not cleared. The kernel marks before and resets after. */
export function scratch(bytes: usize): usize {
  const address = reserve(bytes);
  if (address == 0) abort("no memory left");
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
