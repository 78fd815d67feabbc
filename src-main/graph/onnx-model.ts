/** The parts of an ONNX model that Espalier writes, and their wire format (protobuf, fields of onnx.proto). */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Dimension, Shape } from './dimension.ts';
import type { ElementType } from './operation.ts';

export type OnnxType = ElementType | 'float16' | 'bfloat16';

/** Codes of TensorProto.DataType. */
const typeCodes: Record<OnnxType, number> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

export type Attribute = number | bigint | string | readonly number[];

export interface OnnxNode {
  readonly type: string;
  /** '' for the standard operators. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** A number is written as float, a bigint as integer, an array as integers, a string as text. */
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Initializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  /** The bytes themselves, or where they lie in a file beside the model. */
  readonly data:
    Uint8Array | { readonly location: string; readonly offset: number; readonly byteLength: number };
}

export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Name of an extra first output that is an empty sequence; null for none (see runtime/stop-output.ts). */
  readonly sequenceOutput: string | null;
}

/** Opset 17 of ONNX and 1 of the contributed operators of ONNX Runtime. */
const opsets = [
  ['', 17],
  ['com.microsoft', 1],
] as const;

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

const string = (writer: BinaryWriter, field: number, value: string): void => {
  writer.tag(field, WireType.LengthDelimited).string(value);
};
const integer = (writer: BinaryWriter, field: number, value: number | bigint): void => {
  writer.tag(field, WireType.Varint).int64(value.toString());
};

function writeAttribute(writer: BinaryWriter, name: string, value: Attribute): void {
  string(writer, 1, name);
  if (typeof value === 'bigint') {
    integer(writer, 3, value);
    integer(writer, 20, 2);
  } else if (typeof value === 'number') {
    writer.tag(2, WireType.Bit32).float(value);
    integer(writer, 20, 1);
  } else if (typeof value === 'string') {
    string(writer, 4, value);
    integer(writer, 20, 3);
  } else {
    for (const item of value) integer(writer, 8, item);
    integer(writer, 20, 7);
  }
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const input of node.inputs) string(writer, 1, input);
  for (const output of node.outputs) string(writer, 2, output);
  string(writer, 3, node.name);
  string(writer, 4, node.type);
  for (const [name, value] of Object.entries(node.attributes))
    message(writer, 5, (inner) => writeAttribute(inner, name, value));
  if (node.domain) string(writer, 7, node.domain);
}

function writeInitializer(writer: BinaryWriter, { name, type, shape, data }: Initializer): void {
  for (const size of shape) integer(writer, 1, size);
  integer(writer, 2, typeCodes[type]);
  string(writer, 8, name);
  if (data instanceof Uint8Array) {
    writer.tag(9, WireType.LengthDelimited).bytes(data);
    return;
  }
  const entries = { location: data.location, offset: String(data.offset), length: String(data.byteLength) };
  for (const [key, value] of Object.entries(entries)) {
    message(writer, 13, (inner) => {
      string(inner, 1, key);
      string(inner, 2, value);
    });
  }
  integer(writer, 14, 1);
}

function writeTensorType(writer: BinaryWriter, type: ElementType, shape: Shape): void {
  message(writer, 1, (tensor) => {
    integer(tensor, 1, typeCodes[type]);
    message(tensor, 2, (dimensions) => {
      for (const dimension of shape) message(dimensions, 1, (inner) => writeDimension(inner, dimension));
    });
  });
}

function writeDimension(writer: BinaryWriter, dimension: Dimension): void {
  if (typeof dimension === 'number') integer(writer, 1, dimension);
  else string(writer, 2, dimension);
}

function writeValue(writer: BinaryWriter, { name, type, shape }: Value): void {
  string(writer, 1, name);
  message(writer, 2, (inner) => writeTensorType(inner, type, shape));
}

/** The bytes of a model file. */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const writer = new BinaryWriter();
  integer(writer, 1, 8);
  string(writer, 2, 'espalier');
  message(writer, 7, (graph) => {
    for (const node of model.nodes) message(graph, 1, (inner) => writeNode(inner, node));
    string(graph, 2, 'graph');
    for (const initializer of model.initializers)
      message(graph, 5, (inner) => writeInitializer(inner, initializer));
    for (const value of model.inputs) message(graph, 11, (inner) => writeValue(inner, value));
    const { sequenceOutput } = model;
    if (sequenceOutput !== null) {
      message(graph, 12, (inner) => {
        string(inner, 1, sequenceOutput);
        message(inner, 2, (type) =>
          message(type, 4, (sequence) =>
            message(sequence, 1, (element) => writeTensorType(element, 'float32', [])),
          ),
        );
      });
    }
    for (const value of model.outputs) message(graph, 12, (inner) => writeValue(inner, value));
  });
  for (const [domain, version] of opsets) {
    message(writer, 8, (opset) => {
      string(opset, 1, domain);
      integer(opset, 2, version);
    });
  }
  return writer.finish();
}
