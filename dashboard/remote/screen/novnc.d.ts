/** The parts of noVNC 1.7 that the console uses, by its docs/API.md. */
declare module '@novnc/novnc' {
  /** What noVNC takes in place of an address: it has the shape of a WebSocket. */
  export type RawChannel = {
    binaryType: string
    readonly protocol: string
    readonly readyState: string
    onopen: (() => void) | null
    onmessage: ((event: { data: ArrayBuffer }) => void) | null
    onclose: ((event: { code: number; reason: string }) => void) | null
    onerror: ((event: unknown) => void) | null
    send(data: Uint8Array): void
    close(): void
  }

  export type RfbEvents = {
    connect: CustomEvent<undefined>
    disconnect: CustomEvent<{ clean: boolean }>
    credentialsrequired: CustomEvent<{ types: string[] }>
    securityfailure: CustomEvent<{ status: number; reason?: string }>
    clipboard: CustomEvent<{ text: string }>
    desktopname: CustomEvent<{ name: string }>
  }

  class RFB extends EventTarget {
    constructor(
      target: HTMLElement,
      channel: RawChannel,
      options?: { shared?: boolean; credentials?: { password?: string } },
    )
    viewOnly: boolean
    scaleViewport: boolean
    clipViewport: boolean
    background: string
    addEventListener<K extends keyof RfbEvents>(type: K, listener: (event: RfbEvents[K]) => void): void
    sendCredentials(credentials: { password: string }): void
    sendCtrlAltDel(): void
    clipboardPasteFrom(text: string): void
    focus(): void
    disconnect(): void
  }
  export { RFB as default }
}
