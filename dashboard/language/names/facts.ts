import type { Language } from '../language.ts'

/** Spanish for the fields of a device's documents; English comes from the field itself. */
const SPANISH: Readonly<Record<string, string>> = {
  name: 'nombre',
  user: 'usuario',
  line: 'línea',
  host: 'origen',
  since: 'desde',
  address: 'dirección',
  port: 'puerto',
  process: 'proceso',
  processes: 'procesos',
  version: 'versión',
  available: 'disponible',
  candidate: 'candidata',
  updates: 'actualizaciones',
  pending: 'pendientes',
  security: 'seguridad',
  total: 'total',
  installed: 'instalados',
  manager: 'gestor',
  manufacturer: 'fabricante',
  vendor: 'fabricante',
  model: 'modelo',
  serial: 'número de serie',
  brand: 'marca',
  cores: 'núcleos',
  speed: 'velocidad',
  memory: 'memoria',
  size: 'tamaño',
  type: 'tipo',
  disks: 'discos',
  disk: 'disco',
  device: 'dispositivo',
  distro: 'distribución',
  release: 'versión',
  codename: 'nombre en clave',
  kernel: 'núcleo',
  platform: 'plataforma',
  arch: 'arquitectura',
  hostname: 'nombre del equipo',
  system: 'sistema',
  board: 'placa base',
  baseboard: 'placa base',
  bios: 'BIOS',
  chassis: 'chasis',
  graphics: 'gráficos',
  interfaces: 'interfaces',
  network: 'red',
  users: 'usuarios',
  groups: 'grupos',
  reason: 'motivo',
  collector: 'recolector',
  what: 'qué',
  why: 'por qué',
  cpu: 'CPU',
  rss: 'memoria residente',
  window: 'ventana',
  health: 'salud',
  temperature: 'temperatura',
  capacity: 'capacidad',
  attributes: 'atributos',
  'by cpu': 'por CPU',
  'by memory': 'por memoria',
}
/** What is written in capitals in both languages. */
const CAPITALS = /\b(cpu|os|id|bios|uuid|ip\d?|mac|mtu|fqdn|uefi|fs|tcp|udp|smart|ssd|gpu)\b/g
/** Units that a field's name ends with; the value shows them. */
const UNIT = /(Bytes|Ms|Percent|Celsius)$/

/** The name of a document's field for people: `rssBytes` → `rss`, `memoryTotal` → `memory total`. */
export function factName(field: string, language: Language): string {
  const plain = field
    .replace(UNIT, '')
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
  const name = language === 'es' ? (SPANISH[plain] ?? plain) : plain
  const spelled = name.replaceAll(CAPITALS, (word) => word.toUpperCase())
  return spelled.charAt(0).toUpperCase() + spelled.slice(1)
}
