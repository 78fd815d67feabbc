/** Which tensors must lie side by side in memory, so that the sampler can use them as one matrix. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Key of the group of a tensor: projections of the same input share one; every other tensor is alone. */
function groupKey(name: string): string {
  return name.replace(/\.[qkv]_proj\./, '.qkv.').replace(/\.(gate|up)_proj\./, '.gate_up.');
}

/** Groups tensors, keeping their order. */
export function parameterGroups(tensors: readonly NamedShape[]): NamedShape[][] {
  const groups = new Map<string, NamedShape[]>();
  for (const tensor of tensors) {
    const key = groupKey(tensor.name);
    const group = groups.get(key);
    if (group) group.push(tensor);
    else groups.set(key, [tensor]);
  }
  return [...groups.values()];
}
