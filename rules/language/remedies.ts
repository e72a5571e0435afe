/** The remedies that a rule may name, with the names of their parameters. */
export type KnownRemedies = Readonly<Record<string, readonly string[]>>

/** What ships: the scripts of the same names, signed by the project's key. */
export const SHIPPED_REMEDIES: KnownRemedies = {
  'clear-package-cache': [],
  'clear-temp': ['mount'],
  'enable-firewall-windows': [],
  'flush-dns': [],
  'flush-dns-macos': [],
  'flush-dns-windows': [],
  'renew-certificate': ['certificate'],
  'reset-updater': [],
  'restart-container': ['container'],
  'restart-failed-units': [],
  'restart-print-spooler-windows': [],
  'restart-service': ['service'],
  'restart-service-macos': ['service'],
  'restart-service-windows': ['service'],
  'resume-print-queues': [],
  'resume-print-queues-macos': [],
  'resync-clock': [],
  'resync-clock-macos': [],
  'resync-clock-windows': [],
  'run-backup': ['backup'],
  'update-antivirus': [],
  'update-defender-windows': [],
  'vacuum-journal': [],
}
