/** Reads back the parts of an ONNX model that Espalier writes (field numbers of onnx.proto). */
import { BinaryReader } from '@bufbuild/protobuf/wire';

export interface ReadNode {
  type: string;
  domain: string;
  name: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, number | string | readonly number[]>;
}

export interface ReadInitializer {
  name: string;
  type: number;
  shape: number[];
  data: Uint8Array | null;
  external: Record<string, string>;
  dataLocation: number;
}

export interface ReadValue {
  name: string;
  /** Element type; of the elements where it is a sequence. */
  type: number;
  isSequence: boolean;
  shape: (number | string)[];
}

export interface ReadModel {
  irVersion: number;
  producer: string;
  opsets: Record<string, number>;
  nodes: ReadNode[];
  initializers: ReadInitializer[];
  inputs: ReadValue[];
  outputs: ReadValue[];
}

type Handlers = Record<number, (reader: BinaryReader) => void>;

/** Reads every field of a message; a field without a handler is an error, for nothing unknown must be written. */
function readMessage(bytes: Uint8Array, handlers: Handlers, what: string): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    const handler = handlers[field];
    if (!handler) throw new Error(`${what} has an unknown field ${field}`);
    handler(reader);
  }
}

const integer = (reader: BinaryReader): number => Number(reader.int64());

function readAttribute(bytes: Uint8Array): [string, number | string | readonly number[]] {
  let name = '';
  let kind = 0;
  let single: number | string = 0;
  const many: number[] = [];
  readMessage(
    bytes,
    {
      1: (r) => (name = r.string()),
      2: (r) => (single = r.float()),
      3: (r) => (single = integer(r)),
      4: (r) => (single = r.string()),
      8: (r) => many.push(integer(r)),
      20: (r) => (kind = integer(r)),
    },
    'attribute',
  );
  const expected: Record<number, string> = { 1: 'number', 2: 'number', 3: 'string', 7: 'object' };
  const value = kind === 7 ? many : single;
  if (typeof value !== expected[kind])
    throw new Error(`attribute ${name} of type ${kind} holds ${typeof value}`);
  return [name, value];
}

function readNode(bytes: Uint8Array): ReadNode {
  const node: ReadNode = { type: '', domain: '', name: '', inputs: [], outputs: [], attributes: {} };
  readMessage(
    bytes,
    {
      1: (r) => node.inputs.push(r.string()),
      2: (r) => node.outputs.push(r.string()),
      3: (r) => (node.name = r.string()),
      4: (r) => (node.type = r.string()),
      5(r) {
        const [name, value] = readAttribute(r.bytes());
        node.attributes[name] = value;
      },
      7: (r) => (node.domain = r.string()),
    },
    'node',
  );
  return node;
}

function readInitializer(bytes: Uint8Array): ReadInitializer {
  const tensor: ReadInitializer = { name: '', type: 0, shape: [], data: null, external: {}, dataLocation: 0 };
  readMessage(
    bytes,
    {
      1: (r) => tensor.shape.push(integer(r)),
      2: (r) => (tensor.type = integer(r)),
      8: (r) => (tensor.name = r.string()),
      9: (r) => (tensor.data = r.bytes()),
      13(r) {
        let [key, value] = ['', ''];
        readMessage(
          r.bytes(),
          { 1: (inner) => (key = inner.string()), 2: (inner) => (value = inner.string()) },
          'entry',
        );
        tensor.external[key] = value;
      },
      14: (r) => (tensor.dataLocation = integer(r)),
    },
    'initializer',
  );
  return tensor;
}

function readType(bytes: Uint8Array, value: ReadValue): void {
  const readTensorType = (inner: Uint8Array): void =>
    readMessage(
      inner,
      {
        1: (r) => (value.type = integer(r)),
        2: (r) =>
          readMessage(
            r.bytes(),
            {
              1: (dimension) =>
                readMessage(
                  dimension.bytes(),
                  { 1: (d) => value.shape.push(integer(d)), 2: (d) => value.shape.push(d.string()) },
                  'dimension',
                ),
            },
            'shape',
          ),
      },
      'tensor type',
    );
  readMessage(
    bytes,
    {
      1: (r) => readTensorType(r.bytes()),
      4(r) {
        value.isSequence = true;
        readMessage(r.bytes(), { 1: (inner) => readType(inner.bytes(), value) }, 'sequence type');
      },
    },
    'type',
  );
}

function readValue(bytes: Uint8Array): ReadValue {
  const value: ReadValue = { name: '', type: 0, isSequence: false, shape: [] };
  readMessage(bytes, { 1: (r) => (value.name = r.string()), 2: (r) => readType(r.bytes(), value) }, 'value');
  return value;
}

/** Throws where the bytes hold anything that is not understood. */
export function readOnnx(bytes: Uint8Array): ReadModel {
  const model: ReadModel = {
    irVersion: 0,
    producer: '',
    opsets: {},
    nodes: [],
    initializers: [],
    inputs: [],
    outputs: [],
  };
  readMessage(
    bytes,
    {
      1: (r) => (model.irVersion = integer(r)),
      2: (r) => (model.producer = r.string()),
      7: (r) =>
        readMessage(
          r.bytes(),
          {
            1: (inner) => model.nodes.push(readNode(inner.bytes())),
            2: (inner) => void inner.string(),
            5: (inner) => model.initializers.push(readInitializer(inner.bytes())),
            11: (inner) => model.inputs.push(readValue(inner.bytes())),
            12: (inner) => model.outputs.push(readValue(inner.bytes())),
          },
          'graph',
        ),
      8(r) {
        let [domain, version] = ['', 0];
        readMessage(
          r.bytes(),
          { 1: (inner) => (domain = inner.string()), 2: (inner) => (version = integer(inner)) },
          'opset',
        );
        model.opsets[domain] = version;
      },
    },
    'model',
  );
  return model;
}
