"""Has onnx's own checker look at a file, and prints what it is:   python onnx_check.py FILE"""

import json
import sys

import onnx


def shape(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def main(path):
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    graph = model.graph
    print(json.dumps({
        "opset": [entry.version for entry in model.opset_import],
        "inputs": {value.name: [onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type), shape(value)] for value in graph.input},
        "outputs": {value.name: [onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type), shape(value)] for value in graph.output},
        "operators": sorted({node.op_type for node in graph.node}),
        "classes": json.loads({entry.key: entry.value for entry in model.metadata_props}["torchgraft"])["classes"],
    }))


main(*sys.argv[1:])
