import { records } from './records.ts'

/** What is known of a value; undefined where it cannot be traced simply. */
export type Type = {
  /** Of one of them, where it is a list; several with | between are possible. */
  name: string
  /** An array; or what a pipeline gives, which is nothing, one, or an array. */
  many?: 'array' | 'loose'
  /** It may be nothing. */
  perhaps?: boolean
  /** Names and types of the properties of an object that the script itself makes. */
  own?: ReadonlyMap<string, Type | undefined>
  /** What a group is a group of. */
  item?: Type | undefined
}

export const single = (type: Type | undefined): Type | undefined => {
  if (type === undefined) return undefined
  const { many: _many, perhaps: _perhaps, ...one } = type
  return one
}

/** A type as a record spells it: NAME, NAME[] or A|B. */
export function named(text: string | undefined): Type | undefined {
  if (text === undefined || ['any', 'enum', 'none', 'CimInstance'].includes(text)) return undefined
  if (!text.endsWith('[]')) return { name: text }
  const element = text.slice(0, -2)
  return ['any', 'enum', 'CimInstance'].includes(element)
    ? { name: 'any', many: 'array' }
    : { name: element, many: 'array' }
}

type Found = { type: Type | undefined } | undefined

/** The property or method of a type; undefined where it has none of that name. */
export function memberOf(type: Type, name: string, kind: 'properties' | 'methods'): Found {
  const wanted = name.toLowerCase()
  if (type.own !== undefined && type.name !== 'Hashtable')
    return type.own.has(wanted) ? { type: type.own.get(wanted) } : objectMember(wanted)
  for (const part of type.name.split('|')) {
    const record = records.types.get(part.toLowerCase())
    if (record === undefined) return { type: undefined }
    const [, found] = Object.entries(record[kind]).find(([each]) => each.toLowerCase() === wanted) ?? []
    if (found === 'item[]') return { type: type.item && { ...type.item, many: 'array' } }
    if (found !== undefined) return { type: named(found) }
  }
  const isCim = /^(?:Win32_|MSFT_|AntiVirusProduct)/.test(type.name)
  return isCim && wanted === 'cimclass' ? { type: undefined } : objectMember(wanted)
}

function objectMember(wanted: string): Found {
  return ['psobject', 'gettype', 'tostring'].includes(wanted) ? { type: undefined } : undefined
}

/** Does the record of the type say that the method changes something? */
export function isChanging(type: Type | undefined, method: string): boolean {
  return (type?.name.split('|') ?? []).some((part) =>
    records.types
      .get(part.toLowerCase())
      ?.changing.some((each) => each.toLowerCase() === method.toLowerCase()),
  )
}
