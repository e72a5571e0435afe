/**
 * A document for xterm.js, which puts `<style>` elements into the page and `style` attributes onto its spans; the
 * console's content policy forbids both. Its styles go where the policy lets a script put them: into a constructed
 * style sheet, and onto the element's style object (CSSOM). Everything else is the page's own document.
 */
export function cspDocument(page: Document): Document {
  styleSpansByObject()
  const create = (tag: string, options?: ElementCreationOptions): HTMLElement =>
    tag.toLowerCase() === 'style' ? sheetInPlaceOf(page) : page.createElement(tag, options)
  return new Proxy(page, {
    get(target, name) {
      if (name === 'createElement') return create
      const value: unknown = Reflect.get(target, name, target)
      // A method of the document wants the document itself.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** xterm.js makes the spans of its rows from the page's document whatever it is given, so this holds for every span. */
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
  const element = page.createElement('template')
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
