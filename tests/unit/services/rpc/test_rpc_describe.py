# SPDX-License-Identifier: MIT
"""The files that reflection makes of protobuf-c's descriptors are those that protoc makes of the .proto files, but for
what protobuf-c does not keep: test_rpc_describe.py PROGRAM PROTO..."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2, descriptor_pool

PROGRAM, PROTOS = sys.argv[1], sys.argv[2:]


def ours():
    data = subprocess.run([PROGRAM], check=True, stdout=subprocess.PIPE).stdout
    files = []
    while data:
        size, data = data.split(b"\n", 1)
        files.append(descriptor_pb2.FileDescriptorProto.FromString(data[:int(size)]))
        data = data[int(size):]
    return {file.package: file for file in files}


def theirs():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "set")
        for proto in PROTOS:
            subprocess.run(["protoc", "-I" + str(pathlib.Path(proto).parent), "--descriptor_set_out=" + str(out), proto],
                           check=True)
            yield descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]


def normal_message(message):
    for field in message.field:
        field.ClearField("json_name")
        field.ClearField("default_value")
        if not field.HasField("options") and field.label == field.LABEL_REPEATED and field.type not in (
                field.TYPE_STRING, field.TYPE_BYTES, field.TYPE_MESSAGE):
            field.options.packed = True
    message.field.sort(key=lambda field: field.number)
    for i, oneof in enumerate(message.oneof_decl):
        oneof.name = "oneof_%d" % (i + 1)
    for enum in message.enum_type:
        normal_enum(enum)
    for inner in message.nested_type:
        normal_message(inner)
    message.nested_type.sort(key=lambda inner: inner.name)


def normal_enum(enum):
    enum.value.sort(key=lambda value: (value.number != 0, value.name))


def normal(file):
    """Without what protobuf-c does not keep."""
    file.name = file.package + ".proto"
    for message in file.message_type:
        normal_message(message)
    for enum in file.enum_type:
        normal_enum(enum)
    file.message_type.sort(key=lambda message: message.name)
    return file


class Describe(unittest.TestCase):
    maxDiff = None

    def test_each_file_says_what_protoc_says(self):
        made = ours()
        for file in theirs():
            with self.subTest(package=file.package):
                for message in made[file.package].message_type:
                    for field in message.field:
                        self.assertTrue(field.name)
                self.assertEqual(str(normal(made[file.package])), str(normal(file)))

    def test_pool_takes_the_files_and_their_dependencies(self):
        pool = descriptor_pool.DescriptorPool()
        made = {file.name: file for file in ours().values()}

        def add(file):
            for name in file.dependency:
                if name in made:
                    add(made.pop(name))
            pool.Add(file)

        while made:
            add(made.popitem()[1])
        method = pool.FindServiceByName("sample.Sample").methods_by_name["Echo"]
        self.assertEqual(method.input_type.fields_by_name["by_text"].message_type.GetOptions().map_entry, True)
        older = pool.FindServiceByName("grpc.reflection.v1alpha.ServerReflection").methods[0]
        self.assertEqual(older.input_type.full_name, "grpc.reflection.v1.ServerReflectionRequest")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
