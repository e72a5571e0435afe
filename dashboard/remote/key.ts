import { toBase64Url } from './base64.ts'

/**
 * A technician's own key: Ed25519, made in this browser and never leaving it. The private half cannot be read by any
 * script, this one included; it is kept in IndexedDB under the console's origin.
 */
export type TechnicianKey = {
  /** SHA-256 of the raw public key, hexadecimal, as in trust roots. */
  keyid: string
  /** Raw public key, base64url: what an approver admits. */
  publicKey: string
  createdAtMs: number
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>
}

type Kept = { publicKey: string; keyid: string; createdAtMs: number; privateKey: CryptoKey }

const DATABASE = 'vigia-technician'
const STORE = 'keys'
const SLOT = 'own'

/** The key of this browser; undefined when none was made. */
export async function readKey(): Promise<TechnicianKey | undefined> {
  const kept = await inStore<Kept | undefined>('readonly', (store) => store.get(SLOT))
  return kept === undefined ? undefined : usable(kept)
}

/** Makes a key, in place of the one before: that one is gone, and must be taken out of the trust root. */
export async function makeKey(nowMs: number): Promise<TechnicianKey> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', raw))
  const kept: Kept = {
    publicKey: toBase64Url(raw),
    keyid: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    createdAtMs: nowMs,
    privateKey: pair.privateKey,
  }
  await inStore('readwrite', (store) => store.put(kept, SLOT))
  // So that the browser does not clear it away when its disk runs short; it may say no.
  await navigator.storage.persist().catch(() => false)
  return usable(kept)
}

export async function deleteKey(): Promise<void> {
  await inStore('readwrite', (store) => store.delete(SLOT))
}

/** May this page have keys at all? Only over HTTPS, or on the machine of the server itself. */
export function keysPossible(): boolean {
  return window.isSecureContext && 'indexedDB' in window
}

function usable({ keyid, publicKey, createdAtMs, privateKey }: Kept): TechnicianKey {
  return {
    keyid,
    publicKey,
    createdAtMs,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, bytes)),
  }
}

function inStore<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1)
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE)
    opening.onerror = () => reject(opening.error ?? new Error('IndexedDB cannot be opened'))
    opening.onsuccess = () => {
      const database = opening.result
      const transaction = database.transaction(STORE, mode)
      const request = act(transaction.objectStore(STORE))
      transaction.oncomplete = () => {
        database.close()
        resolve(request.result as T)
      }
      transaction.onabort = () => {
        database.close()
        reject(transaction.error ?? new Error('the key could not be kept'))
      }
    }
  })
}
