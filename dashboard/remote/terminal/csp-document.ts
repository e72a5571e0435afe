/**
 * Runs what opens a terminal of xterm.js, which puts `<style>` elements into the page and `style` attributes onto its
 * spans; the console's content policy forbids both. Its styles go where the policy lets a script put them: into
 * constructed style sheets, and onto the element's style object (CSSOM). The library takes a document of one's own, and
 * then makes some elements from the page's all the same, so the page's is what answers differently, and only meanwhile.
 */
export function underPagePolicy(page: Document, open: () => void): void {
  styleSpansByObject()
  const create = page.createElement.bind(page)
  page.createElement = (tag: string, options?: ElementCreationOptions): HTMLElement =>
    tag.toLowerCase() === 'style' ? sheetInPlaceOf(page) : create(tag, options)
  try {
    open()
  } finally {
    Reflect.deleteProperty(page, 'createElement')
  }
}

/** The spans of its rows are made later, so this holds for every span of the page, for good; it changes nothing else. */
function styleSpansByObject(): void {
  const spans = HTMLSpanElement.prototype
  if (Object.hasOwn(spans, 'setAttribute')) return
  spans.setAttribute = function (this: HTMLSpanElement, name: string, value: string) {
    if (name === 'style') this.style.cssText = value
    else Element.prototype.setAttribute.call(this, name, value)
  }
}

/** An element that shows nothing; what is written into it is a style sheet of the page until it is removed. */
function sheetInPlaceOf(page: Document): HTMLElement {
  const element = Document.prototype.createElement.call(page, 'template')
  const sheet = new CSSStyleSheet()
  let text = ''
  page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet]
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set(given: string) {
      text = given
      sheet.replaceSync(given)
    },
  })
  element.remove = () => {
    page.adoptedStyleSheets = page.adoptedStyleSheets.filter((each) => each !== sheet)
    Element.prototype.remove.call(element)
  }
  return element
}
