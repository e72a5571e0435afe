const SUFFIX: Readonly<Record<string, string>> = {
  percent: ' %',
  celsius: ' °C',
  milliseconds: ' ms',
  seconds: ' s',
  days: ' d',
  bytes_per_second: ' B/s',
  per_second: '/s',
}
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A figure with its unit for a sentence, at most three decimals: `91.4 %`, `3.2 GiB`, `yes`. */
export function numberText(value: number | null, unit: string): string {
  if (value === null) return 'unavailable'
  if (unit === 'bool') return value === 0 ? 'no' : 'yes'
  if (unit === 'bytes') return bytesText(value)
  return `${rounded(value)}${SUFFIX[unit] ?? ''}`
}

function bytesText(bytes: number): string {
  let scaled = bytes
  let power = 0
  while (Math.abs(scaled) >= 1024 && power < BINARY.length - 1) {
    scaled /= 1024
    power++
  }
  return `${rounded(scaled)} ${BINARY[power]}`
}

function rounded(value: number): string {
  const size = Math.abs(value)
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 3)))
}
