/** Whether a key belongs to what has the focus (a field, a dialog) rather than to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input:not([type="checkbox"], [type="radio"]), textarea, select, dialog') !== null)
  );
}
