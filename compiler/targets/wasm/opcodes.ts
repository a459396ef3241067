/**
 * Instruction names → opcodes, for the instructions that this target uses (WebAssembly core specification 2.0,
 * "Binary format"). In: a name of the text format. Out: the bytes of the opcode. The SIMD instructions (prefix 0xfd)
 * and the bulk memory instructions (0xfc) stand in ranges of consecutive numbers.
 */

/** `name@number` starts a run; the names after it have the following numbers; `-` skips one. */
function numbered(text: string): [string, number][] {
  const rows: [string, number][] = [];
  let next = 0;
  for (const word of text.trim().split(/\s+/)) {
    const [name, at] = word.split("@");
    if (at !== undefined) next = Number(at);
    if (name !== "-") rows.push([name, next]);
    next += 1;
  }
  return rows;
}

const plain = numbered(`
  unreachable@0 nop block loop if else@5 end@0x0b br br_if return@0x0f call drop@0x1a select
  local.get@0x20 local.set local.tee
  i32.load@0x28 i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u
  i32.store@0x36 i64.store f32.store f64.store i32.store8 i32.store16
  i32.const@0x41 i64.const f32.const f64.const
  i32.eqz i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u
  i64.eqz i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u
  f32.eq f32.ne f32.lt f32.gt f32.le f32.ge f64.eq f64.ne f64.lt f64.gt f64.le f64.ge
  i32.clz i32.ctz i32.popcnt i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor
  i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr
  i64.clz i64.ctz i64.popcnt i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor
  i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr
  f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt f32.add f32.sub f32.mul f32.div f32.min f32.max
  f32.copysign f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt f64.add f64.sub f64.mul f64.div
  f64.min f64.max f64.copysign i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u
  i64.extend_i32_s i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u
  f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64
  f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32
  i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64
`);

const bulk = numbered(`
  i32.trunc_sat_f32_s@0 i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u
  i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u
  memory.copy@10 memory.fill
`);

const simd = numbered(`
  v128.load@0 v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u
  v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat v128.store v128.const i8x16.shuffle
  i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat
  i32x4.extract_lane@27 i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane
  f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane
  i32x4.eq@55 i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u
  f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge
  v128.not v128.and v128.andnot v128.or v128.xor v128.bitselect v128.any_true
  v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane
  v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane v128.load32_zero v128.load64_zero
  f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 i8x16.narrow_i16x8_s@101 i8x16.narrow_i16x8_u
  f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest f64x2.ceil@116 f64x2.floor f64x2.trunc@122
  i16x8.narrow_i32x4_s@133 i16x8.narrow_i32x4_u
  i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u
  f64x2.nearest@148 i32x4.abs@160 i32x4.neg - i32x4.all_true i32x4.bitmask
  i32x4.extend_low_i16x8_s@167 i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u
  i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add i32x4.sub@177 i32x4.mul@181 i32x4.min_s i32x4.min_u i32x4.max_s
  i32x4.max_u i64x2.extend_low_i32x4_s@199 i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u
  i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add i64x2.sub@209 i64x2.mul@213 i64x2.eq
  i64x2.extmul_low_i32x4_u@222 i64x2.extmul_high_i32x4_u
  f32x4.abs f32x4.neg - f32x4.sqrt f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax
  f64x2.abs f64x2.neg - f64x2.sqrt f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max
  i32x4.trunc_sat_f32x4_s@248 i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u
  i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u
`);

function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

const table = new Map<string, readonly number[]>([
  ...plain.map(([name, code]) => [name, [code]] as const),
  ...bulk.map(([name, code]) => [name, [0xfc, ...unsignedLeb(code)]] as const),
  ...simd.map(([name, code]) => [name, [0xfd, ...unsignedLeb(code)]] as const),
]);

/** The bytes of an instruction's opcode. Throws an Error for a name that is not in the tables. */
export function opcode(name: string): readonly number[] {
  const bytes = table.get(name);
  if (bytes === undefined) throw new Error(`no opcode for the instruction ${name}`);
  return bytes;
}
